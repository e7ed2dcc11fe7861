package host

import (
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	"github.com/imgctl/packer-plugin-openstack/internal/host/plugincommand"
	"github.com/imgctl/packer-plugin-openstack/internal/host/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
)

func (h *Host) showVersion(cmd *cobra.Command, output *command.Output) error {
	width, _ := h.console.Size()
	o := output.Options(cmd, width)
	if !cmd.Flags().Changed("format") && !cmd.Flags().Changed("output") {
		o.Format = "value"
		o.Columns = []string{"version"}
	}
	return render.Show(h.console.Results(o.Format), []render.Field{
		{Name: "version", Value: h.version},
		{Name: "protocol", Value: int64(handshake.Version)},
		{Name: "go", Value: runtime.Version()},
		{Name: "platform", Value: runtime.GOOS + "/" + runtime.GOARCH},
	}, o)
}

// environment is the user's environment without the variables of OpenStack's credentials.
func environment(all []string) map[string]string {
	passed := map[string]string{}
	for _, variable := range all {
		name, value, ok := strings.Cut(variable, "=")
		if ok && name != "" && !strings.HasPrefix(name, "OS_") {
			passed[name] = value
		}
	}
	return passed
}

func locale() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

func (h *Host) pluginCommand() *cobra.Command {
	m := &plugincommand.Manager{Inventory: h.inventory, Judge: h.judge, Console: h.console, Folder: discover.UserFolder(os.Getenv)}
	c := m.Command()
	c.AddCommand(h.docsCommand())
	return c
}

// docsCommand writes the reference of plugins. It needs the whole command line, which the other
// commands about plugins don't know.
func (h *Host) docsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "docs FOLDER",
		Short: "Write the reference of the packaged plugins' commands",
		Long: "docs writes the reference of the commands that come with imgctl, and of the plugins named by --plugin, into the folder: " +
			"as Markdown with a page for each first word, or as man pages with one for each command.",
		Args: command.Arguments1("FOLDER", "name an existing folder"),
	}
	format := command.Choice(c, "format", "f", "markdown or man pages", "markdown", "man")
	var also []string
	c.Flags().StringSliceVar(&also, "plugin", nil, "another plugin to document; may be repeated")
	c.RunE = func(_ *cobra.Command, args []string) error {
		var words []*cobra.Command
		for _, c := range h.root.Commands() {
			if h.documented(c, also) || *format == "man" && command.Builtin(c) && c.Name() != "help" {
				words = append(words, c)
			}
		}
		if *format == "man" {
			return reference.Man(args[0], append(words, h.root), h.version)
		}
		return reference.Markdown(args[0], h.root, words)
	}
	return c
}

// documented reports whether the first word is of a plugin that came with imgctl, or of one of these.
func (h *Host) documented(c *cobra.Command, also []string) bool {
	return slices.ContainsFunc(h.inventory.Plugins, func(p *inventory.Plugin) bool {
		return p.Err == nil && slices.Contains(p.Words, c.Name()) && (p.Folder.Origin == discover.Packaged || slices.Contains(also, p.Name))
	})
}
