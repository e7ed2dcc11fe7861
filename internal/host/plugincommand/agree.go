package plugincommand

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// consent is what the user says about a plugin that is to be trusted.
type consent struct {
	clouds, extends []string
	yes             bool
}

func (c *consent) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&c.clouds, "cloud", nil, "allow only this cloud; may be repeated")
	cmd.Flags().StringSliceVar(&c.extends, "extends", nil, "allow it to add commands under another plugin's first word")
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "don't prompt")
	_ = cmd.RegisterFlagCompletionFunc("cloud", command.CompleteClouds)
}

func (m *Manager) trust() *cobra.Command {
	var said consent
	c := &cobra.Command{
		Use:   "trust NAME",
		Short: "Trust a plugin as it is now",
		Long: "trust starts the plugin to read what it can do, shows that and its checksum, and if you agree records them in the lock file. " +
			"From then on imgctl runs exactly this file, with the clouds that you allow.",
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
func (m *Manager) agree(ctx context.Context, p *inventory.Plugin, source string, said consent) error {
	sum, err := sumOf(p.Path)
	if err != nil {
		return err
	}
	p.SHA256 = sum
	described, err := m.Inventory.Describe(ctx, p)
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
		Protocol: handshake.Version, SHA256: sum, Commands: inventory.FirstWords(described), Clouds: said.clouds, Extends: said.extends,
	})
}

func (m *Manager) present(p *inventory.Plugin, source string, described *pluginv1.Manifest, old trust.Entry, said consent) {
	say := func(name, value string) {
		if value != "" {
			m.Console.Say(fmt.Sprintf("  %-9s %s", name, printable.Line(value)))
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
		m.Console.Say(fmt.Sprintf("  %-9s imgctl %s: %s", name, manifest.Path(c), printable.Line(c.GetShort())))
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
