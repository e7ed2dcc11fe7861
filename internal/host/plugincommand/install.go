package plugincommand

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
)

// wanted is the plugin that the user names.
type wanted struct{ file, sha256, index string }

func (m *Manager) install() *cobra.Command {
	var said consent
	var w wanted
	c := &cobra.Command{
		Use:   "install FILE|URL|NAME",
		Short: "Install a plugin for yourself, and trust it",
		Long: "install copies a file named imgctl-NAME to the folder of your own plugins, starts it to read what it can do, " +
			"and trusts it like imgctl plugin trust. If you don't agree, it removes the copy. The file may be at a URL if you give " +
			"its checksum. With --index, it is the one that the index, a file or a URL, lists for this machine.",
		Example: `  # A file
  imgctl plugin install ./imgctl-age

  # From a release, with the checksum that its author publishes
  imgctl plugin install https://example.org/releases/1.2.0/imgctl-age --sha256 $SUM

  # From your site's index
  imgctl plugin install age --index https://example.org/plugins.yaml`,
		Args: command.Arguments1("FILE|URL|NAME", "name a file called imgctl-NAME"),
	}
	said.flags(c)
	c.Flags().StringVar(&w.sha256, "sha256", "", "checksum that the file must have, as sha256sum prints it")
	c.Flags().StringVar(&w.index, "index", "", "index that lists plugins by name, with their checksums: a file or a URL")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		w.file = args[0]
		return m.installFile(cmd.Context(), w, said)
	}
	return c
}

func (m *Manager) installFile(ctx context.Context, w wanted, said consent) error {
	o, err := w.find(ctx)
	if err != nil {
		return err
	}
	if m.Folder == "" {
		return fault.New(fault.Usage, "set HOME or XDG_DATA_HOME", "there is no folder for your own plugins")
	}
	if there := m.Inventory.Find(o.name); there != nil && there.Folder.Origin == discover.Packaged {
		return fault.New(fault.Conflict, "rename it", "imgctl comes with a plugin %q", o.name)
	}
	if err := os.MkdirAll(m.Folder, 0o700); err != nil {
		return err
	}
	if err := discover.SafeFolder(m.Folder); err != nil {
		return fmt.Errorf("installing plugin %q into %s: %w", o.name, m.Folder, err)
	}
	forget(m.Folder)
	// The copy gets its name only when it is trusted; otherwise the earlier file stays.
	staged, err := os.MkdirTemp(m.Folder, staging)
	if err != nil {
		return err
	}
	defer os.RemoveAll(staged)
	path := filepath.Join(staged, discover.Prefix+o.name)
	if err := o.bring(ctx, path); err != nil {
		return fmt.Errorf("installing %s: %w", shown(o.address), err)
	}
	folder := discover.Folder{Path: m.Folder, Origin: discover.User}
	p := &inventory.Plugin{Plugin: discover.Plugin{Name: o.name, Path: path, Folder: folder}}
	before, known := m.Judge.Lock().Entry(o.name)
	if err := m.agree(ctx, p, shown(o.address), said, func(extends []string) error { return m.usable(p, extends) }); err != nil {
		return err
	}
	if err := os.Rename(path, filepath.Join(m.Folder, discover.Prefix+o.name)); err != nil {
		forget := func() error { return m.Judge.Lock().Remove(o.name) }
		if known {
			forget = func() error { return m.Judge.Lock().Put(before) }
		}
		return errors.Join(err, forget())
	}
	return nil
}

// usable checks that the plugin can be used once it is installed.
func (m *Manager) usable(p *inventory.Plugin, extends []string) error {
	if err := m.Judge.Forbids(p.Plugin, p.SHA256); err != nil {
		return err
	}
	if err := m.Inventory.Clash(p, extends); err != nil {
		return err
	}
	if there := m.Inventory.Find(p.Name); there != nil && there.Folder.Origin == discover.Development {
		m.Console.Say(fmt.Sprintf("Warning: imgctl runs %s instead, as long as its folder is in IMGCTL_PLUGIN_PATH", there.Path))
	}
	return nil
}

// staging is the folder of a plugin that is being installed.
const staging = ".install-*"

// forget removes what installations left that were killed, if nobody can still be at work there.
func forget(folder string) {
	all, _ := filepath.Glob(filepath.Join(folder, staging))
	for _, left := range all {
		if info, err := os.Lstat(left); err == nil && info.IsDir() && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(left)
		}
	}
}

func (m *Manager) remove() *cobra.Command {
	var said consent
	c := &cobra.Command{
		Use: "remove NAME", Short: "Remove one of your plugins and its trust",
		Args: command.Arguments1("NAME", "imgctl plugin list shows the names"), ValidArgsFunction: m.names,
	}
	c.Flags().BoolVarP(&said.yes, "yes", "y", false, "don't prompt")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		name := strings.TrimPrefix(args[0], discover.Prefix)
		_, locked := m.Judge.Lock().Entry(name)
		own := slices.IndexFunc(m.Inventory.Plugins, func(p *inventory.Plugin) bool {
			return p.Name == name &&
				p.Folder.Origin == discover.User
		})
		if !locked && own < 0 {
			if p := m.Inventory.Find(name); p != nil {
				return fault.New(fault.Usage, "", "plugin %q isn't one of your own: it is in %s", name, p.Folder.Path)
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
		return m.Judge.Lock().Remove(name)
	}
	return c
}
