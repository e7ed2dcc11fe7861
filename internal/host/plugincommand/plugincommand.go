// Package plugincommand is the commands of `imgctl plugin`: what plugins there are, which are trusted,
// and whether one keeps the rules.
package plugincommand

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
)

// Manager runs the commands.
type Manager struct {
	Inventory *inventory.Inventory
	Judge     *trust.Judge
	Console   *console.Console
	Folder    string // of the user's own plugins; "" without a home
}

// Command is `imgctl plugin`.
func (m *Manager) Command() *cobra.Command {
	c := command.Noun("plugin")
	c.Short = "List, install and trust plugins"
	c.AddCommand(m.list(), m.show(), m.create(), m.install(), m.trust(), m.remove(), m.check())
	return c
}

func (m *Manager) list() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the plugins", Args: command.Arguments0}
	output := command.AddOutput(c, render.ListFormats)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		list, err := render.NewList(m.Console.Results(output.Format()), []render.Column{
			{Title: "Name"}, {Title: "Version"}, {Title: "Vendor"}, {Title: "Origin"}, {Title: "State"}, {Title: "Path", Hidden: true},
		}, m.options(cmd, output))
		if err != nil {
			return err
		}
		for _, p := range m.Inventory.Plugins {
			if err := list.Row([]any{
				p.Name, p.Manifest.GetVersion(), p.Manifest.GetVendor(), string(p.Folder.Origin), state(p),
				p.Path,
			}); err != nil {
				return err
			}
		}
		return list.Close()
	}
	return c
}

func (m *Manager) options(cmd *cobra.Command, output *command.Output) render.Options {
	width, _ := m.Console.Size()
	return output.Options(cmd, width)
}

func state(p *inventory.Plugin) string {
	if p.Err != nil {
		return p.Reason()
	}
	return "ok"
}

func (m *Manager) show() *cobra.Command {
	c := &cobra.Command{
		Use: "show NAME", Short: "Show what a plugin is and may do",
		Args: command.Arguments1("NAME", "imgctl plugin list shows the names"),
	}
	output := command.AddOutput(c, render.ShowFormats)
	c.ValidArgsFunction = m.names
	c.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := m.find(args[0])
		if err != nil {
			return err
		}
		entry, _ := m.Judge.Lock().Entry(p.Name)
		commands := []any{}
		for _, c := range p.Manifest.GetCommands() {
			commands = append(commands, manifest.Path(c))
		}
		clouds := any("all")
		if len(entry.Clouds) > 0 && p.Folder.Origin != discover.Packaged {
			clouds = list(entry.Clouds)
		}
		return render.Show(m.Console.Results(output.Format()), []render.Field{
			{Name: "name", Value: p.Name},
			{Name: "version", Value: p.Manifest.GetVersion()},
			{Name: "vendor", Value: p.Manifest.GetVendor()},
			{Name: "homepage", Value: p.Manifest.GetHomepage()},
			{Name: "license", Value: p.Manifest.GetLicense()},
			{Name: "origin", Value: string(p.Folder.Origin)},
			{Name: "path", Value: p.Path},
			{Name: "sha256", Value: p.SHA256},
			{Name: "source", Value: entry.Source},
			{Name: "clouds", Value: clouds},
			{Name: "extends", Value: list(entry.Extends)},
			{Name: "commands", Value: commands},
			{Name: "state", Value: state(p)},
		}, m.options(cmd, output))
	}
	return c
}

func list(texts []string) []any {
	all := make([]any, len(texts))
	for i, t := range texts {
		all[i] = t
	}
	return all
}

func (m *Manager) find(name string) (*inventory.Plugin, error) {
	if p := m.Inventory.Find(strings.TrimPrefix(name, discover.Prefix)); p != nil {
		return p, nil
	}
	return nil, fault.New(fault.NotFound, "imgctl plugin list shows all plugins", "there is no plugin %q", name)
}

func (m *Manager) names(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, p := range m.Inventory.Plugins {
		names = append(names, p.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
