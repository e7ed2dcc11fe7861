// Package change is the one shape of everything that changes a cloud: plan from reads, show the
// plan, ask where something is lost, apply, and report what came of it. It also holds what such a
// change is made of: undoing it, writing when an answer may be lost, trying again and waiting.
package change

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Plan is what a change is going to do. Making one only reads. It is applied at most once.
type Plan interface {
	// Done reports whether there is nothing to change; after Apply, whether there was nothing.
	Done() bool
	// Loss is the question to ask before something is taken away for good, "" where nothing is.
	Loss() string
	// Notes are what people should know whatever they decide.
	Notes() []fault.Advice
	// Rows are what is planned; after Apply, also after one that failed, what came of it.
	Rows() []Row
	// Apply carries the plan out.
	Apply(ctx context.Context, rep report.Reporter) error
}

// Row is one line of a plan or a result.
type Row []Cell

// Cell is a value under its key, which is that of machine-readable output.
type Cell struct {
	Key   string
	Value any
}

// Values are the row's values in order.
func (r Row) Values() []any {
	values := make([]any, len(r))
	for n, c := range r {
		values[n] = c.Value
	}
	return values
}

// Door is how a plan reaches a person.
type Door interface {
	// DryRun says that the plan is only to be shown.
	DryRun() bool
	// Ask asks a question and fails where the answer is no, or nobody can be asked.
	Ask(ctx context.Context, question string) error
	// Show shows the plan's rows; unchanged says that there is, or was, nothing to change.
	Show(rows []Row, unchanged bool)
	// Reporter tells what is going on.
	Reporter() report.Reporter
}

// Carry takes a plan through a door: it tells the notes, asks where something is lost, applies the
// plan unless it is only to be shown, and shows the rows, also where applying failed.
func Carry(ctx context.Context, p Plan, d Door) error {
	rep := d.Reporter()
	for _, note := range p.Notes() {
		rep.Warn("%s", note)
	}
	var err error
	if !d.DryRun() {
		if question := p.Loss(); question != "" {
			if err := d.Ask(ctx, question); err != nil {
				return err
			}
		}
		err = p.Apply(ctx, rep)
	}
	d.Show(p.Rows(), err == nil && p.Done())
	return err
}
