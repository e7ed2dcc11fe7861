package plugincommand

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
	"github.com/imgctl/packer-plugin-openstack/internal/host/trust"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
)

// consent holds the user's flags for trusting a plugin.
type consent struct {
	clouds, extends      []string
	allClouds, noExtends bool
	yes                  bool
	rebuilt              bool
}

func (c *consent) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&c.clouds, "cloud", nil, "allow only this cloud; may be repeated")
	cmd.Flags().BoolVar(&c.allClouds, "all-clouds", false, "allow all clouds, which is the default for a new plugin")
	cmd.Flags().StringSliceVar(&c.extends, "extends", nil, "allow it to add commands under another plugin's first word")
	cmd.Flags().BoolVar(&c.noExtends, "no-extends", false, "no longer allow it to add commands under other plugins' first words")
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "don't prompt")
	cmd.MarkFlagsMutuallyExclusive("cloud", "all-clouds")
	cmd.MarkFlagsMutuallyExclusive("extends", "no-extends")
	_ = cmd.RegisterFlagCompletionFunc("cloud", command.CompleteClouds)
}

// over combines them with the earlier consent: flags given now take precedence.
func (c consent) over(old trust.Entry) (consent, error) {
	if len(c.clouds) > 0 {
		known, err := cloud.Names()
		if err != nil {
			return c, err
		}
		for _, name := range c.clouds {
			if !slices.Contains(known, name) {
				return c, fault.New(fault.Usage, "choose from "+cmp.Or(strings.Join(known, ", "), "none: there is no clouds.yaml"),
					"--cloud: there is no cloud %q in clouds.yaml", name)
			}
		}
	} else if !c.allClouds {
		c.clouds = old.Clouds
	}
	if len(c.extends) == 0 && !c.noExtends {
		c.extends = old.Extends
	}
	return c, nil
}

func (m *Manager) trust() *cobra.Command {
	var said consent
	c := &cobra.Command{
		Use:   "trust NAME",
		Short: "Trust a plugin as it is now",
		Long: "trust starts the plugin to read what it can do, shows that and its checksum, and if you agree records them in the lock " +
			"file. " +
			"From then on imgctl runs exactly this file, with the clouds that you allow. While you develop a plugin, --rebuilt saves you " +
			"from doing that after each build; without it, trust ends that.",
		Args: command.Arguments1("NAME", "imgctl plugin list shows the names"),
	}
	said.flags(c)
	c.Flags().BoolVar(&said.rebuilt, "rebuilt", false, "trust its later builds, too, in this folder of $IMGCTL_PLUGIN_PATH")
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
		if said.rebuilt && p.Folder.Origin != discover.Development {
			return fault.New(fault.Usage, "put the folder that you build it in into IMGCTL_PLUGIN_PATH",
				"--rebuilt: plugin %q isn't in a folder of $IMGCTL_PLUGIN_PATH", p.Name)
		}
		return m.agree(cmd.Context(), p, p.Path, said, nil)
	}
	return c
}

// agree shows the plugin and records it in the lock file if the user agrees.
// ready, if it isn't nil, is called before the user is asked, with the words that the plugin may then extend.
func (m *Manager) agree(
	ctx context.Context, p *inventory.Plugin, source string, said consent, ready func(extends []string) error,
) error {
	sum, err := sumOf(p.Path)
	if err != nil {
		return err
	}
	p.SHA256 = sum
	if err := m.known(said.extends, p.Name); err != nil {
		return err
	}
	old, _ := m.Judge.Lock().Entry(p.Name)
	if said, err = said.over(old); err != nil {
		return err
	}
	described, err := m.Inventory.Describe(ctx, p)
	if err != nil {
		return err
	}
	if err := m.present(p, source, described, old, said); err != nil {
		return err
	}
	p.Manifest = described
	if ready != nil {
		if err := ready(said.extends); err != nil {
			return err
		}
	}
	if err := m.confirm(ctx, fmt.Sprintf("Trust plugin %s?", p.Name), said.yes); err != nil {
		return err
	}
	rebuilt := ""
	if said.rebuilt {
		rebuilt = filepath.Dir(p.Path)
	}
	return m.Judge.Lock().Put(trust.Entry{
		Rebuilt: rebuilt, Name: p.Name, Version: described.GetVersion(), Vendor: described.GetVendor(), Source: source,
		Protocol: handshake.Version, SHA256: sum, Commands: inventory.FirstWords(described), Clouds: said.clouds, Extends: said.extends,
	})
}

// known checks that other plugins have commands under the words that a plugin is to extend.
func (m *Manager) known(extends []string, plugin string) error {
	words := m.Inventory.WordsOfOthers(plugin)
	for _, word := range extends {
		if !slices.Contains(words, word) {
			hint := "imgctl --help lists the first words"
			if near := foreignfile.Nearest(word, words); near != "" {
				hint = "did you mean " + near + "?"
			}
			return fault.New(fault.Usage, hint, "--extends: no other plugin has commands under %q", word)
		}
	}
	return nil
}

// confirm prompts; declining is a usage error.
func (m *Manager) confirm(ctx context.Context, question string, yes bool) error {
	if yes {
		return nil
	}
	if !m.Console.Interactive() {
		return fault.New(fault.Usage, "pass --yes, or run it on a terminal", "it asked: %s", question)
	}
	_, accepted, err := m.Console.Ask(ctx, console.Question{Text: question})
	if err == nil && !accepted {
		return fault.New(fault.Usage, "", "declined; nothing was changed")
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
