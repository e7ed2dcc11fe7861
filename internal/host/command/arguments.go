package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// usage is the arguments in a usage line.
func usage(spec *pluginv1.Command) string {
	var b strings.Builder
	for _, a := range spec.GetArgs() {
		name := a.GetName()
		if a.GetMax() != 1 {
			name += "..."
		}
		if a.GetMin() == 0 {
			name = "[" + name + "]"
		}
		b.WriteString(" " + name)
	}
	return b.String()
}

// checkArgs checks how many arguments there are.
func checkArgs(spec *pluginv1.Command, args []string) error {
	least, most := 0, 0
	for _, a := range spec.GetArgs() {
		if len(args) < least+int(a.GetMin()) {
			return fault.New(fault.Usage, "", "%s is missing: %s", a.GetName(), a.GetHelp())
		}
		least += int(a.GetMin())
		switch {
		case a.GetMax() == 0 || most < 0:
			most = -1
		default:
			most += int(a.GetMax())
		}
	}
	if err := filledArgs(spec, args); err != nil {
		return err
	}
	if most >= 0 && len(args) > most {
		return fault.New(fault.Usage, "quote what has spaces", "there is an argument too many: %q", args[most])
	}
	return nil
}

// Arguments0 is for a command without arguments.
func Arguments0(_ *cobra.Command, args []string) error { return checkArgs(&pluginv1.Command{}, args) }

// Arguments1 is for a command with one argument.
func Arguments1(name, help string) cobra.PositionalArgs {
	spec := &pluginv1.Command{Args: []*pluginv1.Arg{{Name: name, Help: help, Min: 1, Max: 1}}}
	return func(_ *cobra.Command, args []string) error { return checkArgs(spec, args) }
}

// ArgumentsAny is for a command with any number of arguments.
func ArgumentsAny(name string) cobra.PositionalArgs {
	spec := &pluginv1.Command{Args: []*pluginv1.Arg{{Name: name}}}
	return func(_ *cobra.Command, args []string) error { return checkArgs(spec, args) }
}
