package worker

import (
	"context"
	"errors"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Retry is the plan to try failed work again at once: what waits for its next try, and dead letters. Its rows have
// message, image, was and state.
type Retry struct {
	queue         queue.Queue
	waiting, dead []queue.Message
	gone          map[string]bool // since the plan
	applied       bool
}

var _ change.Plan = (*Retry)(nil)

// NewRetry plans to try work again: on the images or messages that are named, or on all.
func NewRetry(ctx context.Context, q queue.Queue, all bool, names ...string) (*Retry, error) {
	if all == (len(names) > 0) {
		return nil, fault.New(fault.Usage, "", "give either images or %s", fault.Option("all"))
	}
	waiting, err := q.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	dead, err := q.Dead(ctx)
	if err != nil {
		return nil, err
	}
	if all {
		return &Retry{queue: q, waiting: waiting, dead: dead}, nil
	}
	found := map[string]bool{}
	named := func(m queue.Message) bool {
		for _, name := range []string{m.ID, m.Subject} {
			if slices.Contains(names, name) {
				found[name] = true
			}
		}
		return found[m.ID] || found[m.Subject]
	}
	p := &Retry{queue: q}
	for _, m := range waiting {
		if named(m) {
			p.waiting = append(p.waiting, m)
		}
	}
	for _, m := range dead {
		if named(m) {
			p.dead = append(p.dead, m)
		}
	}
	for _, name := range names {
		if name == "" || !found[name] {
			return nil, fault.New(fault.NotFound, fault.Advise("ask for a build with %s", fault.Do("factory", "enqueue")),
				"no failed request for %q waits in the queue", name)
		}
	}
	return p, nil
}

// Done reports whether nothing has failed.
func (p *Retry) Done() bool { return len(p.waiting)+len(p.dead) == 0 }

// Loss is "".
func (p *Retry) Loss() string { return "" }

// Notes are none.
func (p *Retry) Notes() []fault.Advice { return nil }

// Rows are the messages.
func (p *Retry) Rows() []change.Row {
	rows := []change.Row{}
	add := func(was string, all []queue.Message) {
		for _, m := range all {
			state := "would try again"
			switch {
			case p.gone[m.ID]:
				state = "was gone"
			case p.applied:
				state = "tried again"
			}
			rows = append(rows, change.Row{
				{Key: "message", Value: m.ID}, {Key: "image", Value: m.Subject}, {Key: "was", Value: was}, {Key: "state", Value: state},
			})
		}
	}
	add("waiting", p.waiting)
	add("dead letter", p.dead)
	return rows
}

// Apply has the messages come at once. Those that somebody else has taken meanwhile are left out.
func (p *Retry) Apply(ctx context.Context, _ report.Reporter) error {
	p.gone = map[string]bool{}
	var errs []error
	some := func(all []queue.Message, do func(context.Context, ...string) ([]queue.Message, error)) {
		if len(all) == 0 {
			return
		}
		ids := make([]string, len(all))
		for n, m := range all {
			ids[n] = m.ID
		}
		done, err := do(ctx, ids...)
		for _, id := range ids {
			p.gone[id] = !slices.ContainsFunc(done, func(m queue.Message) bool { return m.ID == id })
		}
		errs = append(errs, err)
	}
	some(p.waiting, p.queue.Hasten)
	some(p.dead, p.queue.Revive)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.applied = true
	return nil
}

// Images are the images of the plan.
func (p *Retry) Images() (all []string) {
	for _, m := range slices.Concat(p.waiting, p.dead) {
		if m.Subject != "" {
			all = append(all, m.Subject)
		}
	}
	return all
}
