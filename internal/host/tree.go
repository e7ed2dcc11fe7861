package host

import (
	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
)

// tree is the whole command line.
func (h *Host) tree() *cobra.Command {
	root := &cobra.Command{
		Use:               "imgctl",
		Short:             "Keep images flowing through OpenStack clouds",
		Long:              "imgctl manages images in OpenStack clouds. Each of its commands comes from a plugin.",
		Version:           h.version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              cobra.ArbitraryArgs,
		RunE:              h.missing,
		PersistentPreRunE: h.limit,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SuggestionsMinimumDistance = 2
	root.SetVersionTemplate("imgctl {{.Version}}\n")
	h.global = command.AddGlobal(root)
	root.AddCommand(
		command.MarkBuiltin(h.versionCommand()),
		command.MarkBuiltin(h.doctorCommand()),
		command.MarkBuiltin(h.pluginCommand()),
		command.MarkBuiltin(command.Completion(h.console.Data())),
		command.MarkBuiltin(command.Complete(h.console.Data())),
	)
	command.Add(root, h.global, h.inventory, h)
	root.SetHelpCommand(h.helpCommand(root))
	command.RefuseEmpty(root)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		var notes []string
		if c == root {
			notes = h.brokenLines()
		}
		width, _ := h.console.Size()
		_ = command.Help(c.OutOrStdout(), c, width, notes)
	})
	return root
}

// brokenLines are the plugins that can't be used, a line each.
func (h *Host) brokenLines() []string {
	var lines []string
	for _, p := range h.inventory.Broken() {
		lines = append(lines, h.console.Style(console.Grey, "  "+p.Name+" — "+p.Reason()))
	}
	return lines
}

// missing answers a command line that names no command.
func (h *Host) missing(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	if p := h.inventory.Claims(args[0]); p != nil {
		return p.Err
	}
	return command.Unknown(cmd, args[0])
}

// cause is the error for a command line whose command doesn't exist, whatever flags it has: nobody who reads "no
// flag -f" would suspect that a plugin was refused. It is nil if there is no error.
func (h *Host) cause(args []string) error {
	h.root.InitDefaultHelpCmd() // which cobra would only do later
	at, rest, err := h.root.Find(args)
	if err != nil || at != h.root && !command.IsNoun(at) {
		return nil //nolint:nilerr // cobra says what it is
	}
	word, ok := command.Word(at, rest)
	switch {
	case !ok:
		return nil
	case at == h.root:
		return h.missing(at, []string{word})
	}
	return command.Unknown(at, word)
}

func (h *Host) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND...]",
		Short: "Show the help of a command",
		Args:  cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if at, _, err := root.Find(args); err == nil {
				for _, c := range at.Commands() {
					if c.IsAvailableCommand() {
						names = append(names, c.Name()+"\t"+c.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			at, rest, err := root.Find(args)
			switch {
			case err != nil || at == root && len(rest) > 0:
				return h.missing(root, args)
			case len(rest) > 0:
				return command.Unknown(at, rest[0])
			}
			return at.Help()
		},
	}
}

func (h *Host) versionCommand() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Show the version", Args: command.Arguments0}
	output := command.AddOutput(c, showFormats)
	c.RunE = func(cmd *cobra.Command, _ []string) error { return h.showVersion(cmd, output) }
	return c
}
