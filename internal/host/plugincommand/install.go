package plugincommand

import (
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
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/inventory"
)

func (m *Manager) install() *cobra.Command {
	var said consent
	c := &cobra.Command{
		Use:   "install FILE",
		Short: "Install a plugin for yourself, and trust it",
		Long: "install copies a file named imgctl-NAME to the folder of your own plugins, starts it to read what it can do, " +
			"and trusts it like imgctl plugin trust. If you don't agree, it removes the copy.",
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
		return fault.New(fault.Usage, "set HOME or XDG_DATA_HOME", "there is no folder for your own plugins")
	}
	if there := m.Inventory.Find(name); there != nil && there.Folder.Origin == discover.Packaged {
		return fault.New(fault.Conflict, "rename it", "imgctl comes with a plugin %q", name)
	}
	source, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.Folder, 0o700); err != nil {
		return err
	}
	// The copy gets its name only when it is trusted; otherwise the earlier file stays.
	staged, err := os.MkdirTemp(m.Folder, ".install-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staged)
	path := filepath.Join(staged, discover.Prefix+name)
	if err := copyFile(source, path); err != nil {
		return fmt.Errorf("installing %s: %w", file, err)
	}
	p := &inventory.Plugin{Plugin: discover.Plugin{Name: name, Path: path, Folder: discover.Folder{Path: m.Folder, Origin: discover.User}}}
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
		Use: "remove NAME", Short: "Remove one of your plugins and its trust",
		Args: command.Arguments1("NAME", "imgctl plugin list shows the names"), ValidArgsFunction: m.names,
	}
	c.Flags().BoolVarP(&said.yes, "yes", "y", false, "don't prompt")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		name := strings.TrimPrefix(args[0], discover.Prefix)
		_, locked := m.Lock.Entry(name)
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
		return m.Lock.Remove(name)
	}
	return c
}
