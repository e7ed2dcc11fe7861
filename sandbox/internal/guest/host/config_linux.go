package host

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

func (g *Guest) agentConfig() (control.Config, error) {
	st, err := loadState(g.cfg.Dir)
	if err != nil {
		return control.Config{}, err
	}
	host := g.cfg.Hostname
	if host == "" {
		host = hostname(g.cfg.Name)
	}
	keys := slices.Collect(maps.Values(g.cfg.Keys))
	slices.Sort(keys)
	return control.Config{
		UUID: g.cfg.UUID, Hostname: host, Addresses: g.cfg.addresses(), SSHPorts: g.cfg.sshPorts(), AuthorizedKeys: keys,
		Password: g.cfg.Password,
		UserData: g.cfg.UserData, Documents: documents(g.cfg, host), ConfigDrive: g.cfg.ConfigDrive,
		FirstBoot: !st.Booted, HostKeys: st.HostKeys, SingleUser: g.ids.single, HostRoot: g.ids.single && os.Geteuid() == 0,
		Root: absolute(Root(g.cfg.Dir)), Agent: absolute(g.cfg.Agent),
	}, nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

var notHost = regexp.MustCompile(`[^a-z0-9.-]+`)

// hostname is Nova's way from a server's name to a host's.
func hostname(name string) string {
	name = strings.ToLower(strings.NewReplacer(" ", "-", "_", "-").Replace(name))
	name = strings.Trim(notHost.ReplaceAllString(name, ""), ".-")
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], ".-")
	}
	if name == "" {
		return "server"
	}
	return name
}
