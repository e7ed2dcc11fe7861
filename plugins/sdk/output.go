package sdk

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"google.golang.org/protobuf/types/known/structpb"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Output is what a command yields. All methods may be called from any goroutine, wait while the
// host is slower than the command, and drop what comes after the command's end.
type Output struct {
	run         *session
	log         *slog.Logger
	interactive bool

	mu        sync.Mutex
	columns   int   // of a row; -1 where none are declared
	defect    error // the first thing that couldn't be sent
	unchanged bool
}

func newOutput(run *session, c *pluginv1.Command, start *pluginv1.Start) *Output {
	out := &Output{run: run, interactive: start.GetInteractive(), columns: len(c.GetColumns())}
	if c.GetKind() != List {
		out.columns = -1
	}
	level := slog.LevelInfo
	if start.GetVerbosity() > 0 {
		level = slog.LevelDebug
	}
	out.log = slog.New(&handler{run: run, level: level})
	return out
}

// Columns replaces the command's columns, before the first Row.
func (o *Output) Columns(columns ...Column) {
	o.mu.Lock()
	o.columns = len(columns)
	o.mu.Unlock()
	o.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Columns{Columns: &pluginv1.Columns{Columns: Columns(columns).proto()}}})
}

// Row sends one line of a List: a value for each column. A string, bool, number, time.Time,
// time.Duration, list, map or struct arrives as what it is in JSON; whole numbers beyond 2^53 as
// strings.
func (o *Output) Row(values ...any) {
	o.mu.Lock()
	columns := o.columns
	o.mu.Unlock()
	if len(values) != columns {
		o.fail(fmt.Errorf("a row has %d values for %d columns", len(values), max(columns, 0)))
		return
	}
	row := &pluginv1.Row{Values: make([]*structpb.Value, len(values))}
	for i, v := range values {
		var err error
		if row.Values[i], err = toValue(v); err != nil {
			o.fail(fmt.Errorf("column %d of a row: %w", i+1, err))
			return
		}
	}
	o.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Row{Row: row}})
}

// Field sends one field of a Show, or of an Action's outcome. Fields keep their order.
func (o *Output) Field(name string, value any) {
	o.FieldIn(name, value, pluginv1.Unit_UNIT_UNSPECIFIED)
}

// FieldIn is Field for a number with a unit.
func (o *Output) FieldIn(name string, value any, unit Unit) {
	v, err := toValue(value)
	if err != nil {
		o.fail(fmt.Errorf("field %q: %w", name, err))
		return
	}
	field := &pluginv1.Field{Name: valid(name), Value: v, Unit: unit}
	o.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Fields{Fields: &pluginv1.Fields{Fields: []*pluginv1.Field{field}}}})
}

// Text tells the user something; in a format for machines it goes to standard error.
func (o *Output) Text(text string) {
	text = valid(strings.TrimSuffix(text, "\n"))
	o.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Text{Text: &pluginv1.Text{Text: text}}})
}

// Textf is Text with fmt.Sprintf's format.
func (o *Output) Textf(format string, args ...any) { o.Text(fmt.Sprintf(format, args...)) }

// Unchanged says that everything already was as asked for.
func (o *Output) Unchanged() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unchanged = true
}

// CrossOut has the host hide the secret in all it shows or logs of this plugin.
func (o *Output) CrossOut(s Secret) {
	if s.IsEmpty() {
		return
	}
	o.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Secret{Secret: &pluginv1.Secret{Text: valid(s.Reveal())}}})
}

// Log is the plugin's log, which the host shows or keeps as the user wants. Debug lines are sent
// with -v only.
func (o *Output) Log() *slog.Logger { return o.log }

// Stdout is the standard output of a Raw command.
func (o *Output) Stdout() io.Writer { return &chunks{o.run, pluginv1.Stream_STREAM_STDOUT} }

// Stderr is the standard error of a Raw command.
func (o *Output) Stderr() io.Writer { return &chunks{o.run, pluginv1.Stream_STREAM_STDERR} }

// chunkSize keeps messages far below gRPC's usual limit of 4 MiB.
const chunkSize = 256 << 10

type chunks struct {
	run    *session
	stream pluginv1.Stream
}

func (c *chunks) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		piece := p[sent:min(sent+chunkSize, len(p))]
		m := &pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Chunk{Chunk: &pluginv1.Chunk{Stream: c.stream, Data: piece}}}
		if err := c.run.send(m); err != nil {
			return sent, errHostGone
		}
		sent += len(piece)
	}
	return len(p), nil
}

// send drops a message for a host that is gone: the command is being cancelled then.
func (o *Output) send(m *pluginv1.PluginMessage) { _ = o.run.send(m) }

// fail keeps the first defect; the command ends with it.
func (o *Output) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.defect == nil {
		o.defect = err
	}
}

// outcome is the end of a command that returned err.
func (o *Output) outcome(err error) *pluginv1.Done {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		err = o.defect
	}
	d := done(err, o.unchanged)
	if errors.Is(err, ErrDeclined) && !o.interactive {
		d.Problem.Kind = Usage // nobody was asked: the command line lacks a --yes
	}
	return d
}
