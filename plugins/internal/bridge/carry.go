package bridge

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// CarryOut takes a plan through a command that lists: a row of the plan is a row of the output.
func CarryOut(ctx context.Context, in *sdk.Input, out *sdk.Output, p change.Plan) error {
	return change.Carry(ctx, p, door{in, out, in.DryRun(), func(row change.Row) { out.Row(row.Values()...) }})
}

// ShowOnly is CarryOut of a command that changes something only if that is asked for.
func ShowOnly(ctx context.Context, in *sdk.Input, out *sdk.Output, p change.Plan) error {
	return change.Carry(ctx, p, door{in, out, true, func(row change.Row) { out.Row(row.Values()...) }})
}

// CarryOutFields takes a plan through a command that is an action: its one row are the fields.
func CarryOutFields(ctx context.Context, in *sdk.Input, out *sdk.Output, p change.Plan) error {
	return change.Carry(ctx, p, door{in, out, in.DryRun(), func(row change.Row) {
		for _, c := range row {
			out.Field(c.Key, c.Value)
		}
	}})
}

// door is a command of imgctl.
type door struct {
	in   *sdk.Input
	out  *sdk.Output
	dry  bool
	show func(change.Row)
}

func (d door) DryRun() bool              { return d.dry }
func (d door) Reporter() report.Reporter { return Reporter(d.in, d.out) }

func (d door) Ask(ctx context.Context, question string) error {
	yes, err := d.out.ConfirmDestroy(ctx, question, "")
	if err == nil && !yes {
		err = sdk.ErrDeclined
	}
	return err
}

// Preview shows the rows to who is about to be asked: what is printed in the end is the result, and comes too late.
func (d door) Preview(rows []change.Row) {
	if !d.in.Interactive() || d.in.AssumeYes() || len(rows) == 0 {
		return
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for n, row := range rows {
		var keys, values []string
		for _, c := range row {
			keys, values = append(keys, strings.ToUpper(c.Key)), append(values, fmt.Sprint(c.Value))
		}
		if n == 0 {
			_, _ = fmt.Fprintln(table, strings.Join(keys, "\t"))
		}
		_, _ = fmt.Fprintln(table, strings.Join(values, "\t"))
	}
	_ = table.Flush()
	for line := range strings.Lines(text.String()) {
		d.out.Textf("%s", strings.TrimRight(line, " \n"))
	}
}

func (d door) Show(rows []change.Row, unchanged bool) {
	if unchanged {
		d.out.Unchanged()
	}
	for _, row := range rows {
		d.show(row)
	}
}
