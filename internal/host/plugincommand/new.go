package plugincommand

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/scaffold"
)

// domain is what a vendor is named by, and a Go module begins with.
var domain = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)

func (m *Manager) create() *cobra.Command {
	var o scaffold.Options
	var folder string
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a new plugin that works, to begin with",
		Long: "new writes a plugin with one command, `imgctl NAME list`, into the folder imgctl-NAME, which it makes. make check in it " +
			"builds the plugin and tests whether it keeps the rules; make install installs it for you.",
		Args: command.Arguments1("NAME", "choose a name of lower-case letters, digits and hyphens"),
	}
	language := command.Choice(c, "language", "l", "language of the plugin", scaffold.Languages...)
	c.Flags().StringVar(&o.Vendor, "vendor", "example.org", "your domain")
	c.Flags().StringVar(&o.SDK, "sdk", "", "a checkout of imgctl whose Go SDK to use, instead of the newest release's")
	c.Flags().StringVar(&folder, "folder", "", "folder to make, instead of imgctl-NAME")
	_ = c.MarkFlagDirname("sdk")
	_ = c.MarkFlagDirname("folder")
	c.RunE = func(_ *cobra.Command, args []string) error {
		o.Name, o.Language = args[0], *language
		if err := m.free(&o); err != nil {
			return err
		}
		if folder == "" {
			folder = discover.Prefix + o.Name
		}
		names, err := scaffold.Write(folder, o)
		if err != nil {
			return err
		}
		m.Console.Say("Wrote " + filepath.Join(folder, "") + ": " + strings.Join(names, ", "))
		m.Console.Say("Next: make -C " + folder + " check")
		return nil
	}
	return c
}

// free checks that a plugin may have the name, and the other values.
func (m *Manager) free(o *scaffold.Options) error {
	if !discover.Name.MatchString(o.Name) {
		return fault.New(fault.Usage, "use lower-case letters, digits and hyphens, beginning with a letter",
			"%q is no name of a plugin", o.Name)
	}
	if p := m.Inventory.Owner(o.Name); p != nil {
		return fault.New(fault.Conflict, "choose another name", "the commands `imgctl %s` come from plugin %s", o.Name, p.Name)
	}
	if p := m.Inventory.Find(o.Name); p != nil {
		return fault.New(fault.Conflict, "choose another name", "there is a plugin %s: %s", o.Name, p.Path)
	}
	if !domain.MatchString(o.Vendor) {
		return fault.New(fault.Usage, "name a domain such as example.org", "--vendor: %q is no domain", o.Vendor)
	}
	if o.SDK == "" {
		return nil
	}
	if o.Language != "go" {
		return fault.New(fault.Usage, "leave it out", "--sdk is for plugins in Go")
	}
	var err error
	o.SDK, err = filepath.Abs(o.SDK)
	return err
}
