package sdk

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Input is what the user entered. It panics if the plugin asks for a flag or argument that the command
// doesn't declare, or with another type.
type Input struct {
	ctx    context.Context
	start  *pluginv1.Start
	bound  manifest.Bound
	run    *session // nil while completing
	clouds *clouds
}

// Args are all arguments.
func (in *Input) Args() []string { return in.start.GetArgs() }

// Arg is the (first) value of the argument, such as "IMAGE"; empty if it wasn't given.
func (in *Input) Arg(name string) string {
	if all := in.ArgValues(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// ArgValues are all values of an argument that may be repeated.
func (in *Input) ArgValues(name string) []string {
	all, ok := in.bound.Args[name]
	if !ok {
		panic(fmt.Sprintf("the command declares no argument %q", name))
	}
	return all
}

// IsSet reports whether the flag was given, by the user or by its variable.
func (in *Input) IsSet(flag string) bool { return in.flag(flag).GetIsSet() }

func (in *Input) flag(name string) *pluginv1.FlagValue {
	v, ok := in.bound.Flags[name]
	if !ok {
		panic(fmt.Sprintf("the command declares no flag %q", name))
	}
	return v
}

// of is the flag's value, if it is of the type that the caller asks for.
func of[T any](in *Input, name string) T {
	v, ok := in.flag(name).GetValue().(T)
	if !ok {
		panic(fmt.Sprintf("flag %q is %T, not %T", name, in.flag(name).GetValue(), v))
	}
	return v
}

// String is the value of a String or Enum.
func (in *Input) String(flag string) string {
	return of[*pluginv1.FlagValue_StringValue](in, flag).StringValue
}

// Secret is the value of a String that is a Secret.
func (in *Input) Secret(flag string) Secret { return NewSecret(in.String(flag)) }

// Bool is the value of a Bool.
func (in *Input) Bool(flag string) bool {
	return of[*pluginv1.FlagValue_BoolValue](in, flag).BoolValue
}

// Int is the value of an Int.
func (in *Input) Int(flag string) int {
	return int(of[*pluginv1.FlagValue_IntValue](in, flag).IntValue)
}

// Float is the value of a Float.
func (in *Input) Float(flag string) float64 {
	return of[*pluginv1.FlagValue_FloatValue](in, flag).FloatValue
}

// Duration is the value of a Duration.
func (in *Input) Duration(flag string) time.Duration {
	return of[*pluginv1.FlagValue_DurationValue](in, flag).DurationValue.AsDuration()
}

// Bytes is the value of a Bytes.
func (in *Input) Bytes(flag string) int64 {
	return of[*pluginv1.FlagValue_BytesValue](in, flag).BytesValue
}

// Strings are the values of a Strings.
func (in *Input) Strings(flag string) []string {
	return of[*pluginv1.FlagValue_StringsValue](in, flag).StringsValue.GetValues()
}

// KeyValues are the values of a KeyValue; of a key that was given twice, the last.
func (in *Input) KeyValues(flag string) map[string]string {
	all := map[string]string{}
	for _, pair := range of[*pluginv1.FlagValue_PairsValue](in, flag).PairsValue.GetValues() {
		all[pair.GetKey()] = pair.GetValue()
	}
	return all
}

// File is the absolute path of a File; "-" for standard input, and empty if it wasn't given.
func (in *Input) File(flag string) string { return in.Path(in.String(flag)) }

// Path makes a path that the user gave absolute, from the user's working folder; "-" and "" stay.
func (in *Input) Path(path string) string {
	if path == "" || path == "-" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(in.start.GetWorkDir(), path)
}

// Time is the value of a Time; zero if it wasn't given.
func (in *Input) Time(flag string) time.Time {
	if in.flag(flag).GetValue() == nil {
		return time.Time{}
	}
	return of[*pluginv1.FlagValue_TimeValue](in, flag).TimeValue.AsTime()
}

// DryRun is --dry-run: only read, and show what would be done.
func (in *Input) DryRun() bool { return in.start.GetDryRun() }

// Interactive reports whether somebody is there to answer prompts.
func (in *Input) Interactive() bool { return in.start.GetInteractive() }

// AssumeYes is --yes; the host answers prompts accordingly, so that few commands ask for it.
func (in *Input) AssumeYes() bool { return in.start.GetAssumeYes() }

// Verbosity is 0, 1 for -v, 2 for -vv; -1 for -q.
func (in *Input) Verbosity() int { return int(in.start.GetVerbosity()) }

// Program is what the user's command line begins with, for messages that name a command: "imgctl",
// or what runs imgctl for the user, such as "openstack image".
func (in *Input) Program() string { return cmp.Or(in.start.GetProgram(), "imgctl") }

// RunID is a UUID of this run, to mark what it creates.
func (in *Input) RunID() string { return in.start.GetRunId() }

// WorkDir is the user's working folder; the plugin's own is another.
func (in *Input) WorkDir() string { return in.start.GetWorkDir() }

// Locale is the user's, such as "en_GB.UTF-8".
func (in *Input) Locale() string { return in.start.GetLocale() }

// Config is the plugin's section in the user's configuration; empty if there is none.
func (in *Input) Config() map[string]any { return in.start.GetConfig().AsMap() }

// Environment is the user's without OS_* variables, for a command that NeedsEnvironment.
func (in *Input) Environment() map[string]string { return maps.Clone(in.start.GetEnvironment()) }

// Now is the time.
func (in *Input) Now() time.Time { return time.Now() }

// Terminal is what the user looks at.
type Terminal struct {
	Stdout, Stderr bool // each is a terminal
	Columns, Rows  int  // in characters, 0 without a terminal
	Colour, UTF8   bool
}

// Terminal is what the user looks at now.
func (in *Input) Terminal() Terminal {
	t := in.start.GetTerminal()
	if in.run != nil {
		in.run.mu.Lock()
		t = in.run.terminal
		in.run.mu.Unlock()
	}
	return Terminal{
		Stdout: t.GetStdoutTty(), Stderr: t.GetStderrTty(), Columns: int(t.GetColumns()), Rows: int(t.GetRows()),
		Colour: t.GetColour(), UTF8: t.GetUtf8(),
	}
}

// Cloud is the user's cloud of that name in clouds.yaml; the empty name is the one of --os-cloud.
// Nothing is asked for until its Access is.
func (in *Input) Cloud(name string) *Cloud { return in.clouds.named(name) }

// stdinID is what answers to StdinRequest are kept under: they carry no id, as there is one stream.
const stdinID = "stdin"

// Stdin is the user's standard input, for a command that NeedsStdin. One goroutine may read it.
func (in *Input) Stdin() io.Reader { return &stdin{run: in.run, ctx: in.ctx} }

type stdin struct {
	run  *session
	ctx  context.Context
	rest bytes.Reader
	eof  bool
}

func (r *stdin) Read(p []byte) (int, error) {
	for r.rest.Len() == 0 {
		if r.eof || r.run == nil {
			return 0, io.EOF
		}
		more := &pluginv1.PluginMessage_StdinRequest{StdinRequest: &pluginv1.StdinRequest{}}
		m, err := r.run.ask(r.ctx, stdinID, &pluginv1.PluginMessage{Message: more})
		if err != nil {
			return 0, fmt.Errorf("reading standard input: %w", err)
		}
		r.rest.Reset(m.GetStdin().GetData())
		r.eof = m.GetStdin().GetEof()
	}
	return r.rest.Read(p)
}
