package watch

import (
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Migrate is the plan to move the requests of a queue with bare profiles, such as packuilon's.
type Migrate struct {
	sink    Sink
	from    string
	waiting int
	moved   int
	applied bool
}

var _ change.Plan = (*Migrate)(nil)

// PlanMigrate plans to move all messages of a queue. Count counts those that wait in it.
func PlanMigrate(ctx context.Context, sink Sink, from string, count func(ctx context.Context, name string) (int, error)) (*Migrate, error) {
	if from == "" {
		return nil, fault.New(fault.Usage, "", "the queue's name is empty")
	}
	n, err := count(ctx, from)
	if err != nil {
		return nil, err
	}
	return &Migrate{sink: sink, from: from, waiting: n}, nil
}

// Done reports whether the queue is empty.
func (p *Migrate) Done() bool { return p.waiting == 0 && p.moved == 0 }

// Loss is "": each message is taken out of its queue only when it is in the other.
func (p *Migrate) Loss() string { return "" }

// Notes are none.
func (p *Migrate) Notes() []fault.Advice { return nil }

// Rows are the queue and how many of its messages move.
func (p *Migrate) Rows() []change.Row {
	n, state := p.waiting, "would move"
	if p.applied {
		n, state = p.moved, "moved"
	}
	return []change.Row{{
		{Key: "queue", Value: p.from},
		{Key: "messages", Value: n},
		{Key: "state", Value: state},
	}}
}

// Apply moves the messages, also those that have arrived since.
func (p *Migrate) Apply(ctx context.Context, _ report.Reporter) (err error) {
	p.applied = true
	q, err := p.sink.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	p.moved, err = queue.MoveForeign(ctx, q, p.from)
	return err
}
