package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// results are a command's results on their way to the formats.
type results struct {
	plugin  string
	console *console.Console
	format  render.Options
	kind    pluginv1.CommandKind
	quiet   bool

	titles []render.Column
	misfit bool // a row didn't match them, which the user knows
	list   render.List
	object []render.Field
	held   render.Held // of the object

	bytes, errBytes io.WriteCloser // of a RAW command

	asking     context.Context // ends when questions are no longer asked
	stopAsking context.CancelFunc
}

func (r *results) init(c Command) {
	r.plugin, r.console, r.format = c.Name, c.Console, c.Format
	r.kind, r.quiet = c.Spec.GetKind(), c.Start.GetVerbosity() < 0
	r.format.Redact = c.Redactor.Result
	r.titles = columns(c.Spec.GetColumns())
	r.bytes = c.Redactor.Writer(rawOut(c))
	r.errBytes = c.Redactor.Writer(rawErr(c))
	r.asking, r.stopAsking = context.WithCancel(context.Background())
}

func columns(columns []*pluginv1.Column) []render.Column {
	all := make([]render.Column, len(columns))
	for i, c := range columns {
		all[i] = render.Column{Key: c.GetKey(), Title: c.GetTitle(), Unit: unit(c.GetUnit()), Hidden: c.GetHidden()}
	}
	return all
}

func unit(u pluginv1.Unit) render.Unit {
	switch u {
	case pluginv1.Unit_UNIT_BYTES:
		return render.Bytes
	case pluginv1.Unit_UNIT_SECONDS:
		return render.Seconds
	}
	return render.Plain
}

// columns replaces the columns; a list that has begun ends, and another one follows.
func (r *results) columns(c *pluginv1.Columns) error {
	err := r.closeList()
	r.titles = columns(c.GetColumns())
	return err
}

func (r *results) row(row *pluginv1.Row) error {
	if err := r.openList(); err != nil {
		return err
	}
	if n := len(row.GetValues()); n != len(r.titles) && !r.misfit {
		r.misfit = true
		r.console.Say(fmt.Sprintf("Warning: plugin %s sent a row of %d values for %d columns, so that values are missing below: "+
			"this is a defect of the plugin; please report it to its vendor", r.plugin, n, len(r.titles)))
	}
	values := make([]any, len(row.GetValues()))
	for i, v := range row.GetValues() {
		values[i] = plain(v.AsInterface())
	}
	return r.list.Row(values)
}

func (r *results) openList() error {
	if r.list != nil {
		return nil
	}
	format := r.format
	if format.Format == "shell" {
		format.Format = "table" // of an ACTION, which may also have rows
	}
	list, err := render.NewList(r.console.Results(format.Format), r.titles, format)
	r.list = list
	if err != nil {
		r.list = dropped{}
	}
	return err
}

// dropped is a list that can't be written.
type dropped struct{}

func (dropped) Row([]any) error { return nil }
func (dropped) Close() error    { return nil }

func (r *results) closeList() error {
	if r.list == nil {
		return nil
	}
	list := r.list
	r.list = nil
	return list.Close()
}

func (r *results) fields(f *pluginv1.Fields) error {
	for _, field := range f.GetFields() {
		if !r.held.Add(field.GetName(), field.GetValue().AsInterface()) {
			r.object = nil
			return fault.New(fault.Internal, "this is a defect of the plugin; please report it to its vendor",
				"an object of more than %d MiB is too large", render.MaxHeld>>20)
		}
		r.object = append(r.object, render.Field{
			Name: field.GetName(), Value: plain(field.GetValue().AsInterface()), Unit: unit(field.GetUnit()),
		})
	}
	return nil
}

// text shows a text to people: where an action's results are for people too, it is one of them.
func (r *results) text(text string) error {
	if r.kind == pluginv1.CommandKind_COMMAND_KIND_ACTION && (r.format.Format == "" || r.format.Format == "table") {
		_, err := r.console.Out().Write([]byte(text + "\n"))
		return err
	}
	if !r.quiet {
		r.console.Say(text)
	}
	return nil
}

// chunk passes on bytes of a RAW command.
func (r *results) chunk(c *pluginv1.Chunk) error {
	if c.GetStream() == pluginv1.Stream_STREAM_STDERR {
		_, err := r.errBytes.Write(c.GetData())
		return err
	}
	_, err := r.bytes.Write(c.GetData())
	return err
}

// controls reports whether the bytes of a RAW command may control the user's terminal: those of a program that the
// command runs for its user, with the standard input, but not those of files, such as logs, or of other people's plugins.
func controls(c Command) bool {
	return c.Asker == "" && slices.Contains(c.Spec.GetNeeds(), pluginv1.Need_NEED_STDIN)
}

// rawOut takes the bytes for standard output.
func rawOut(c Command) io.Writer {
	if controls(c) {
		return c.Console.Bytes()
	}
	return c.Console.Data()
}

func rawErr(c Command) io.Writer {
	if controls(c) {
		return c.Console.ErrBytes()
	}
	return c.Console.ErrText()
}

// close writes what is left. A list that failed before its first row isn't shown.
func (r *results) close(done *pluginv1.Done) error {
	r.stopAsking()
	if err := errors.Join(r.bytes.Close(), r.errBytes.Close()); err != nil {
		return err
	}
	ok := done != nil && done.GetOutcome() != pluginv1.Outcome_OUTCOME_FAILED
	if r.kind == pluginv1.CommandKind_COMMAND_KIND_LIST && ok {
		if err := r.openList(); err != nil {
			return err
		}
	}
	if err := r.closeList(); err != nil {
		return err
	}
	if len(r.object) > 0 || r.kind == pluginv1.CommandKind_COMMAND_KIND_SHOW && ok {
		format := r.format
		if format.Format == "csv" {
			format.Format = "table" // of an ACTION, which may also have rows
		}
		return render.Show(r.console.Results(format.Format), r.object, format)
	}
	return nil
}

// plain makes whole numbers of floating-point ones that are whole, all through a value.
func plain(v any) any {
	const exact = 1 << 53
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) && v < exact && v > -exact {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}
