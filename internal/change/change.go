// Package change holds the steps that every change of a cloud has in common: plan from reads, show the
// plan, prompt if something would be lost, apply, and report the result. It also holds the parts of
// these steps: undo, writing when a response may be lost, retrying and waiting.
package change

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Plan is what a change will do. Making a plan only sends reads. A plan is applied at most once.
type Plan interface {
	// Done reports whether there is nothing to change; after Apply, whether there was nothing.
	Done() bool
	// Loss is the question to ask before something is lost for good, "" if nothing is.
	Loss() string
	// Notes are what people should know whatever they decide.
	Notes() []fault.Advice
	// Rows are the plan; after Apply, even a failed one, they are the result.
	Rows() []Row
	// Apply carries out the plan.
	Apply(ctx context.Context, rep report.Reporter) error
}

// Incomplete is a Plan that may leave out some of what was asked for, so that the rest can be done.
type Incomplete interface {
	// LeftOut is the error that Apply returns for what the plan leaves out, even if all else goes
	// well; nil if nothing is left out.
	LeftOut() error
}

// Row is one line of a plan or a result.
type Row []Cell

// Cell is a value with its key in machine-readable output.
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

// Door connects a plan to a person.
type Door interface {
	// DryRun reports whether to show the plan only.
	DryRun() bool
	// Ask asks a question. It fails if the answer is no or nobody can be asked.
	Ask(ctx context.Context, question string) error
	// Show shows the plan's rows; unchanged says that there is, or was, nothing to change.
	Show(rows []Row, unchanged bool)
	// Reporter tells what is going on.
	Reporter() report.Reporter
}

// Previewer is a Door that can show what somebody is asked about.
type Previewer interface {
	// Preview shows a plan's rows before Ask.
	Preview(rows []Row)
}

// Carry takes a plan through a door: it reports the notes, asks if something would be lost, applies the
// plan unless this is a dry run, and shows the rows, even if applying failed. A dry run returns the error
// of what the plan leaves out.
func Carry(ctx context.Context, p Plan, d Door) error {
	rep := d.Reporter()
	for _, note := range p.Notes() {
		rep.Warn("%s", note)
	}
	var err error
	if !d.DryRun() {
		if question := p.Loss(); question != "" {
			if d, ok := d.(Previewer); ok {
				d.Preview(p.Rows())
			}
			if err := d.Ask(ctx, question); err != nil {
				return err
			}
		}
		err = p.Apply(ctx, rep)
	}
	d.Show(p.Rows(), err == nil && p.Done())
	if some, ok := p.(Incomplete); ok && d.DryRun() {
		return some.LeftOut()
	}
	return err
}
