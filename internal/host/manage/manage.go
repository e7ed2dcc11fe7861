// Package manage is the commands of `imgctl plugin`: what plugins there are, which are trusted,
// and whether one keeps the rules.
package manage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/host/render"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Manager carries the commands out.
type Manager struct {
	Registry *registry.Registry
	Lock     *trust.Lock
	Console  *console.Console
	Folder   string // of the user's own plugins; "" without a home
}

// Command is `imgctl plugin`.
func (m *Manager) Command() *cobra.Command {
	c := command.Noun("plugin")
	c.Short = "List, install and trust plugins"
	c.AddCommand(m.list(), m.show(), m.install(), m.trust(), m.remove(), m.check())
	return c
}

func (m *Manager) list() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the plugins", Args: command.Arguments0}
	output := command.AddOutput(c, render.ListFormats)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		list, err := render.NewList(m.Console.Out(), []render.Column{
			{Title: "Name"}, {Title: "Version"}, {Title: "Vendor"}, {Title: "Origin"}, {Title: "State"}, {Title: "Path", Hidden: true},
		}, m.options(cmd, output))
		if err != nil {
			return err
		}
		for _, p := range m.Registry.Plugins {
			if err := list.Row([]any{p.Name, p.Manifest.GetVersion(), p.Manifest.GetVendor(), string(p.Folder.Origin), state(p), p.Path}); err != nil {
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

func state(p *registry.Plugin) string {
	if p.Err != nil {
		return p.Reason()
	}
	return "ok"
}

func (m *Manager) show() *cobra.Command {
	c := &cobra.Command{Use: "show NAME", Short: "Show what a plugin is and may do", Args: command.Arguments1("NAME", "imgctl plugin list names them")}
	output := command.AddOutput(c, render.ShowFormats)
	c.ValidArgsFunction = m.names
	c.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := m.find(args[0])
		if err != nil {
			return err
		}
		entry, _ := m.Lock.Entry(p.Name)
		commands := []any{}
		for _, c := range p.Manifest.GetCommands() {
			commands = append(commands, manifest.Path(c))
		}
		clouds := any("all")
		if len(entry.Clouds) > 0 && p.Folder.Origin != discover.Packaged {
			clouds = list(entry.Clouds)
		}
		return render.Show(m.Console.Out(), []render.Field{
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

func (m *Manager) find(name string) (*registry.Plugin, error) {
	if p := m.Registry.Find(strings.TrimPrefix(name, discover.Prefix)); p != nil {
		return p, nil
	}
	return nil, fault.New(fault.NotFound, "imgctl plugin list names those that there are", "there is no plugin %q", name)
}

func (m *Manager) names(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, p := range m.Registry.Plugins {
		names = append(names, p.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// consent is what the user says about a plugin that is to be trusted.
type consent struct {
	clouds, extends []string
	yes             bool
}

func (c *consent) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&c.clouds, "cloud", nil, "let it use this cloud only; may be repeated")
	cmd.Flags().StringSliceVar(&c.extends, "extends", nil, "let it add commands under another plugin's first word")
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "don't ask")
	_ = cmd.RegisterFlagCompletionFunc("cloud", command.CompleteClouds)
}

func (m *Manager) trust() *cobra.Command {
	var said consent
	c := &cobra.Command{
		Use:   "trust NAME",
		Short: "Trust a plugin as it is now",
		Long: "trust starts the plugin to ask what it can do, shows that with its checksum, and writes it into the lock file if you agree. " +
			"From then on exactly this file runs, with the clouds that you let it use.",
		Args: command.Arguments1("NAME", "imgctl plugin list names them"),
	}
	said.flags(c)
	c.ValidArgsFunction = m.names
	c.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := m.find(args[0])
		if err != nil {
			return err
		}
		if p.Folder.Origin == discover.Packaged {
			return fault.New(fault.Usage, "make or install imgctl again; a plugin of your own belongs to "+cmp.Or(m.Folder, "your home"),
				"plugin %q came with imgctl, and is trusted by the checksums beside it", p.Name)
		}
		if _, err := discover.At(p.Path); err != nil {
			return err
		}
		return m.agree(cmd.Context(), p, p.Path, said)
	}
	return c
}

// agree shows the plugin and takes it into the lock file if the user wants that.
func (m *Manager) agree(ctx context.Context, p *registry.Plugin, source string, said consent) error {
	sum, err := sumOf(p.Path)
	if err != nil {
		return err
	}
	p.SHA256 = sum
	described, err := m.Registry.Describe(ctx, p)
	if err != nil {
		return err
	}
	old, known := m.Lock.Entry(p.Name)
	if known && len(said.clouds) == 0 && len(said.extends) == 0 {
		said.clouds, said.extends = old.Clouds, old.Extends
	}
	m.present(p, source, described, old, said)
	if err := m.confirm(ctx, fmt.Sprintf("Trust plugin %s?", p.Name), said.yes); err != nil {
		return err
	}
	return m.Lock.Put(trust.Entry{
		Name: p.Name, Version: described.GetVersion(), Vendor: described.GetVendor(), Source: source,
		Protocol: handshake.Version, SHA256: sum, Commands: registry.FirstWords(described), Clouds: said.clouds, Extends: said.extends,
	})
}

func (m *Manager) present(p *registry.Plugin, source string, described *pluginv1.Manifest, old trust.Entry, said consent) {
	say := func(name, value string) {
		if value != "" {
			m.Console.Say(fmt.Sprintf("  %-9s %s", name, render.Printable(value)))
		}
	}
	m.Console.Say("Plugin " + p.Name)
	say("version", described.GetVersion())
	say("vendor", described.GetVendor())
	say("file", source)
	say("sha256", p.SHA256)
	if old.SHA256 != "" && old.SHA256 != p.SHA256 {
		say("before", old.SHA256+" (version "+old.Version+")")
	}
	say("clouds", cmp.Or(strings.Join(said.clouds, ", "), "all"))
	for i, c := range described.GetCommands() {
		name := ""
		if i == 0 {
			name = "commands"
		}
		m.Console.Say(fmt.Sprintf("  %-9s imgctl %s: %s", name, manifest.Path(c), render.Printable(c.GetShort())))
	}
}

// confirm asks; declined is an error of the user's.
func (m *Manager) confirm(ctx context.Context, question string, yes bool) error {
	if yes {
		return nil
	}
	if !m.Console.Interactive() {
		return fault.New(fault.Usage, "pass --yes, or run it on a terminal", "it asked: %s", question)
	}
	_, accepted, err := m.Console.Ask(ctx, console.Question{Text: question})
	if err == nil && !accepted {
		err = errors.New("declined")
	}
	return fault.Wrap(fault.Cancelled, "", err)
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return trust.Sum(f)
}

func (m *Manager) install() *cobra.Command {
	var said consent
	c := &cobra.Command{
		Use:   "install FILE",
		Short: "Install a plugin for yourself, and trust it",
		Long: "install copies a file named imgctl-NAME to the folder of your own plugins, starts it to ask what it can do, " +
			"and trusts it as imgctl plugin trust does. If you don't agree, the copy is removed.",
		Args: command.Arguments1("FILE", "name a file called imgctl-NAME"),
	}
	said.flags(c)
	c.RunE = func(cmd *cobra.Command, args []string) error { return m.installFile(cmd.Context(), args[0], said) }
	return c
}

func (m *Manager) installFile(ctx context.Context, file string, said consent) error {
	name, ok := strings.CutPrefix(filepath.Base(file), discover.Prefix)
	if !ok || !discover.Name.MatchString(name) {
		return fault.New(fault.Usage, "rename it", "%s is not called imgctl-NAME", file)
	}
	if m.Folder == "" {
		return fault.New(fault.Usage, "set HOME or XDG_DATA_HOME", "there is no folder for plugins of yours")
	}
	if there := m.Registry.Find(name); there != nil && there.Folder.Origin == discover.Packaged {
		return fault.New(fault.Conflict, "rename it", "imgctl comes with a plugin %q", name)
	}
	source, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.Folder, 0o700); err != nil {
		return err
	}
	// The copy has its name only when it is trusted: what was there before stays if it isn't.
	staged, err := os.MkdirTemp(m.Folder, ".install-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staged)
	path := filepath.Join(staged, discover.Prefix+name)
	if err := copyFile(source, path); err != nil {
		return fmt.Errorf("installing %s: %w", file, err)
	}
	p := &registry.Plugin{Plugin: discover.Plugin{Name: name, Path: path, Folder: discover.Folder{Path: m.Folder, Origin: discover.User}}}
	if err := m.agree(ctx, p, source, said); err != nil {
		return err
	}
	return os.Rename(path, filepath.Join(m.Folder, discover.Prefix+name))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close(), os.Chmod(to, 0o755))
}

func (m *Manager) remove() *cobra.Command {
	var said consent
	c := &cobra.Command{
		Use: "remove NAME", Short: "Remove a plugin of yours, and no longer trust it",
		Args: command.Arguments1("NAME", "imgctl plugin list names them"), ValidArgsFunction: m.names,
	}
	c.Flags().BoolVarP(&said.yes, "yes", "y", false, "don't ask")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		name := strings.TrimPrefix(args[0], discover.Prefix)
		_, locked := m.Lock.Entry(name)
		own := slices.IndexFunc(m.Registry.Plugins, func(p *registry.Plugin) bool { return p.Name == name && p.Folder.Origin == discover.User })
		if !locked && own < 0 {
			if p := m.Registry.Find(name); p != nil {
				return fault.New(fault.Usage, "", "plugin %q is not one of yours: it is in %s", name, p.Folder.Path)
			}
			_, err := m.find(name)
			return err
		}
		if err := m.confirm(cmd.Context(), fmt.Sprintf("Remove plugin %s?", name), said.yes); err != nil {
			return err
		}
		if own >= 0 {
			if err := os.Remove(filepath.Join(m.Folder, discover.Prefix+name)); err != nil {
				return fmt.Errorf("removing plugin %q: %w", name, err)
			}
		}
		return m.Lock.Remove(name)
	}
	return c
}
