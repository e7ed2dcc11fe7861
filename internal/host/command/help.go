package command

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

func usageError(hint, format string, args ...any) error {
	return fault.New(fault.Usage, hint, format, args...)
}

// argumentsKey is where a command keeps the help of its arguments.
const argumentsKey = "imgctl_arguments"

// describeHelp stores what cobra has no field for.
func describeHelp(c *cobra.Command, spec *pluginv1.Command) {
	width := 0
	for _, a := range spec.GetArgs() {
		width = max(width, len(a.GetName()))
	}
	var b strings.Builder
	for _, a := range spec.GetArgs() {
		fmt.Fprintf(&b, "  %-*s   %s\n", width, a.GetName(), a.GetHelp())
	}
	c.Annotations = map[string]string{argumentsKey: b.String()}
}

// Arguments is the help of a command's arguments, a line each; "" if it has none.
func Arguments(c *cobra.Command) string { return c.Annotations[argumentsKey] }

// Help writes a command's help, at most that wide; notes follow the commands of the root.
func Help(w io.Writer, c *cobra.Command, width int, notes []string) error {
	if width <= 0 || width > 100 {
		width = 100
	}
	var b strings.Builder
	section := func(title, text string) {
		if text = strings.TrimRight(text, "\n"); text != "" {
			fmt.Fprintf(&b, "\n%s:\n%s\n", title, text)
		}
	}
	b.WriteString(wordwrap.WrapString(cmp.Or(c.Long, c.Short), uint(width)) + "\n")
	usage := c.UseLine()
	if c.HasAvailableSubCommands() {
		usage = c.CommandPath() + " COMMAND [flags]"
	}
	section("Usage", "  "+usage)
	if len(c.Aliases) > 0 {
		section("Aliases", "  "+strings.Join(c.Aliases, ", "))
	}
	section("Examples", c.Example)
	section("Arguments", Arguments(c))
	for _, g := range groups(c) {
		section(g.title, list(g.commands))
	}
	if len(notes) > 0 {
		section("Not available", strings.Join(notes, "\n"))
	}
	own, output := Split(c.LocalFlags())
	switch {
	case IsNoun(c):
		b.WriteString("\nThe global flags are listed by " + c.Root().Name() + " --help.\n")
	case c.HasParent():
		section("Flags", own.FlagUsagesWrapped(width))
		section("Output flags", output.FlagUsagesWrapped(width))
		section("Global flags", c.InheritedFlags().FlagUsagesWrapped(width))
	default:
		section("Global flags", own.FlagUsagesWrapped(width))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type headed struct {
	title    string
	commands []*cobra.Command
}

// groups are the commands below c by their headings: plugins' own, the rest, and imgctl's at last.
func groups(c *cobra.Command) []headed {
	var all []headed
	title := func(sub *cobra.Command) string {
		switch {
		case sub.GroupID != "":
			return sub.GroupID
		case !c.HasParent() && Builtin(sub):
			return "imgctl itself"
		}
		return "Commands"
	}
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		t := title(sub)
		i := slices.IndexFunc(all, func(h headed) bool { return h.title == t })
		if i < 0 {
			i = len(all)
			all = append(all, headed{title: t})
		}
		all[i].commands = append(all[i].commands, sub)
	}
	rank := func(h headed) int { return slices.Index([]string{"Commands", "", "imgctl itself"}, h.title) + 1 }
	slices.SortStableFunc(all, func(a, b headed) int {
		ra, rb := rank(a), rank(b)
		if ra == 0 {
			ra = 2
		}
		if rb == 0 {
			rb = 2
		}
		return cmp.Or(cmp.Compare(ra, rb), strings.Compare(a.title, b.title))
	})
	return all
}

// builtin marks imgctl's own commands.
const builtin = "imgctl_builtin"

// MarkBuiltin says that the command is imgctl's own.
func MarkBuiltin(c *cobra.Command) *cobra.Command {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[builtin] = "true"
	return c
}

// Builtin reports whether the command is imgctl's own.
func Builtin(c *cobra.Command) bool { return c.Annotations[builtin] != "" || c.Name() == "help" }

func list(commands []*cobra.Command) string {
	width := 0
	for _, c := range commands {
		width = max(width, len(c.Name()))
	}
	var b strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-*s   %s\n", width, c.Name(), c.Short)
	}
	return b.String()
}

// Split separates the output flags from the others.
func Split(all *pflag.FlagSet) (own, output *pflag.FlagSet) {
	own, output = pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	own.SortFlags, output.SortFlags = false, false
	all.SortFlags = false
	all.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[outputGroup] != nil {
			output.AddFlag(f)
		} else {
			own.AddFlag(f)
		}
	})
	return own, output
}
