// Package sdk is for writing imgctl plugins. A plugin is a value of type Plugin and a call of Main:
//
//	func main() {
//		sdk.Main(sdk.Plugin{Name: "age", Version: "1.0.0", Vendor: "example.org", Commands: []sdk.Command{{
//			Path: "image age", Kind: sdk.List, Short: "List images by age",
//			Columns: sdk.Columns{{Title: "ID"}, {Title: "Age", Unit: sdk.UnitSeconds}},
//			Run:     age,
//		}}})
//	}
//
// A command gets its arguments and flags parsed and checked, and sends rows, fields, text and progress,
// which imgctl renders in the user's format. It never writes to standard output itself; imgctl shows
// such text as a warning.
//
// The SDK speaks the protocol of plugins/sdk/proto/imgctl/plugin/v1/plugin.proto.
package sdk

import (
	"context"
	"strings"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Plugin is what a plugin is and does.
type Plugin struct {
	// Name is the NAME of the executable imgctl-NAME: lower-case letters, digits and dashes.
	Name string
	// Version is semantic, without a leading v.
	Version string
	// Vendor says who made it, such as "example.org".
	Vendor string
	// Short says what it is for in at most 60 characters, without a full stop; help shows it beside the
	// plugin's first word.
	Short string
	// Homepage is a URL, License an SPDX identifier; both may be empty.
	Homepage, License string
	Commands          []Command
}

// Command is one command: what the user types, and the function that carries it out.
type Command struct {
	// Path is the words after imgctl, such as "share add".
	Path string
	// Aliases are other names for the last word.
	Aliases []string
	// Short says what it does in at most 60 characters, without a full stop. Long is the full description,
	// in paragraphs separated by empty lines.
	Short, Long string
	Examples    []Example
	Args        []Arg
	Flags       Flags
	// Columns are those of a List; Output.Columns can replace them.
	Columns Columns
	Kind    Kind
	Danger  Danger
	Needs   []Need
	// Group is the heading under which help lists it; empty for the default.
	Group string
	// Hidden leaves it out of help and completion.
	Hidden bool
	// Deprecated says what to use instead.
	Deprecated string
	// Run runs the command. Its context ends when the user interrupts it; Cleanup returns one that lasts
	// longer. An error is shown, and its Problem sets the exit code.
	Run func(ctx context.Context, in *Input, out *Output) error
	// Complete suggests values for arguments and flags that Complete dynamically. It only reads.
	Complete func(ctx context.Context, in *Input, what Completing) ([]Suggestion, error)
}

// Example is a command line for the help, starting with imgctl, and what it shows.
type Example struct{ Text, Command string }

// Kind is what a command yields.
type Kind = pluginv1.CommandKind

// The kinds of command.
const (
	// List yields rows.
	List = pluginv1.CommandKind_COMMAND_KIND_LIST
	// Show yields the fields of one object.
	Show = pluginv1.CommandKind_COMMAND_KIND_SHOW
	// Action changes something; it may yield fields.
	Action = pluginv1.CommandKind_COMMAND_KIND_ACTION
	// Raw yields bytes and an exit status.
	Raw = pluginv1.CommandKind_COMMAND_KIND_RAW
)

// Danger is what a command does to a cloud.
type Danger = pluginv1.Danger

// How dangerous a command is; the zero value means Reads.
const (
	// Reads and nothing else.
	Reads = pluginv1.Danger_DANGER_NONE
	// Changes what can be changed back. With Input.DryRun it sends no writing request.
	Changes = pluginv1.Danger_DANGER_CHANGES
	// Destroys something, after asking with Output.ConfirmDestroy.
	Destroys = pluginv1.Danger_DANGER_DESTROYS
)

// Need is something that a command needs of the host.
type Need = pluginv1.Need

// What a command may need.
const (
	// NeedsCloud is access to the cloud of --os-cloud: Input.Cloud("").
	NeedsCloud = pluginv1.Need_NEED_CLOUD
	// NeedsClouds is access to clouds that the user names in flags or arguments.
	NeedsClouds = pluginv1.Need_NEED_CLOUDS
	// NeedsStdin is Input.Stdin.
	NeedsStdin = pluginv1.Need_NEED_STDIN
	// NeedsNoTimeout is for a command that runs until it is interrupted.
	NeedsNoTimeout = pluginv1.Need_NEED_LONG_RUNNING
	// NeedsEnvironment is Input.Environment.
	NeedsEnvironment = pluginv1.Need_NEED_ENVIRONMENT
)

// Columns are the columns of a List.
type Columns []Column

// Column is one of them. Title is its heading and its key in JSON; Key is another name for -c, and
// may be empty; Hidden ones are shown only if the user asks for them.
type Column struct {
	Title, Key string
	Unit       Unit
	Hidden     bool
}

// Unit is the unit of numbers, for people.
type Unit = pluginv1.Unit

// The units.
const (
	UnitBytes   = pluginv1.Unit_UNIT_BYTES
	UnitSeconds = pluginv1.Unit_UNIT_SECONDS
	// UnitTime is for time.Time.
	UnitTime = pluginv1.Unit_UNIT_TIME
)

// Completing is what the user is typing: the value of Flag, or of the argument named Arg, as far as
// Prefix.
type Completing struct{ Flag, Arg, Prefix string }

// Suggestion is a possible value, and its meaning.
type Suggestion struct{ Value, Help string }

// manifest is the plugin as a message of the protocol.
func (p *Plugin) manifest() *pluginv1.Manifest {
	m := &pluginv1.Manifest{Name: p.Name, Version: p.Version, Vendor: p.Vendor, Homepage: p.Homepage, License: p.License, Short: p.Short}
	for i := range p.Commands {
		m.Commands = append(m.Commands, p.Commands[i].proto())
	}
	return m
}

func (c *Command) proto() *pluginv1.Command {
	p := &pluginv1.Command{
		Path: strings.Fields(c.Path), Aliases: c.Aliases, Short: c.Short, Long: c.Long,
		Columns: c.Columns.proto(), Kind: c.Kind, Group: c.Group, Hidden: c.Hidden,
		Deprecated: c.Deprecated, Danger: max(c.Danger, Reads), Needs: c.Needs,
	}
	for _, e := range c.Examples {
		p.Examples = append(p.Examples, &pluginv1.Example{Text: e.Text, Command: e.Command})
	}
	for _, a := range c.Args {
		p.Args = append(p.Args, a.arg)
	}
	for _, f := range c.Flags {
		p.Flags = append(p.Flags, f.flag)
	}
	return p
}

func (c Columns) proto() []*pluginv1.Column {
	var all []*pluginv1.Column
	for _, column := range c {
		all = append(all, &pluginv1.Column{Title: valid(column.Title), Key: valid(column.Key), Unit: column.Unit, Hidden: column.Hidden})
	}
	return all
}
