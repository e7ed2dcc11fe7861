package worker

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// DeadLetters is the plan to queue dead letters again, or to remove them. Its rows have message, image and state.
type DeadLetters struct {
	queue   queue.Queue
	discard bool
	letters []queue.Message
	gone    map[string]bool // since the plan
	applied bool
}

var _ change.Plan = (*DeadLetters)(nil)

// NewDeadLetters plans to queue dead letters again, or with discard to remove them: those with the ids, or all of them.
func NewDeadLetters(ctx context.Context, q queue.Queue, discard, all bool, ids ...string) (*DeadLetters, error) {
	if all == (len(ids) > 0) {
		return nil, fault.New(fault.Usage, "", "give either the ids of messages or %s", fault.Option("all"))
	}
	dead, err := q.Dead(ctx)
	if err != nil {
		return nil, err
	}
	p := &DeadLetters{queue: q, discard: discard, letters: dead}
	if all {
		return p, nil
	}
	p.letters = nil
	for _, id := range ids {
		n := slices.IndexFunc(dead, func(m queue.Message) bool { return m.ID == id })
		if n < 0 {
			return nil, fault.New(fault.NotFound, fault.Advise("look at the ids with %s", fault.Do("factory dead-letters", "list")),
				"no dead letter %q", id)
		}
		p.letters = append(p.letters, dead[n])
	}
	return p, nil
}

// Done reports whether there are no dead letters.
func (p *DeadLetters) Done() bool { return len(p.letters) == 0 }

// Loss asks before messages are removed.
func (p *DeadLetters) Loss() string {
	if p.discard && len(p.letters) > 0 {
		return "Remove the dead letters? What they ask for isn't built."
	}
	return ""
}

// Notes are none.
func (p *DeadLetters) Notes() []fault.Advice { return nil }

// Rows are the messages.
func (p *DeadLetters) Rows() []change.Row {
	state := "would queue again"
	switch {
	case p.discard && p.applied:
		state = "removed"
	case p.discard:
		state = "would remove"
	case p.applied:
		state = "queued again"
	}
	rows := make([]change.Row, 0, len(p.letters))
	for _, m := range p.letters {
		is := state
		if p.gone[m.ID] {
			is = "was gone"
		}
		rows = append(rows, change.Row{{Key: "message", Value: m.ID}, {Key: "image", Value: m.Subject}, {Key: "state", Value: is}})
	}
	return rows
}

// Apply queues or removes them. Those that somebody else has taken meanwhile are left out.
func (p *DeadLetters) Apply(ctx context.Context, _ report.Reporter) error {
	ids := make([]string, len(p.letters))
	for n, m := range p.letters {
		ids[n] = m.ID
	}
	do := p.queue.Revive
	if p.discard {
		do = p.queue.Discard
	}
	done, err := do(ctx, ids...)
	if err != nil {
		return err
	}
	p.applied, p.gone = true, map[string]bool{}
	for _, id := range ids {
		p.gone[id] = !slices.ContainsFunc(done, func(m queue.Message) bool { return m.ID == id })
	}
	return nil
}
