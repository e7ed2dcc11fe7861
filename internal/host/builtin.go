package host

import (
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgctl/packer-plugin-openstack/internal/host/command"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/host/manage"
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
	return render.Show(h.console.Out(), []render.Field{
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
	m := &manage.Manager{Registry: h.registry, Lock: h.judge.Lock(), Console: h.console, Folder: discover.UserFolder(os.Getenv)}
	return m.Command()
}
