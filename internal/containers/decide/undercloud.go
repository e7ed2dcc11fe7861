package decide

import (
	"bufio"
	"io"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/envfile"
)

// undercloudPort is where an undercloud serves images.
const undercloudPort = ":8787"

// Undercloud is the registry that push_destination: true means: LocalContainerRegistry, else what
// /etc/hosts, given as hosts, calls this machine on the control plane. found is false where
// neither says so and localhost has to do.
func Undercloud(env *envfile.Environment, hostname string, hosts io.Reader) (registry string, found bool, err error) {
	local, err := env.Parameters.Get("LocalContainerRegistry").Scalar("LocalContainerRegistry")
	if err != nil {
		return "", false, err
	}
	if local != "" {
		return bracketed(local) + undercloudPort, true, nil
	}
	short, _, _ := strings.Cut(hostname, ".")
	lines := bufio.NewScanner(hosts)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		for i, name := range strings.Fields(line) {
			if i > 0 && strings.EqualFold(name, short+".ctlplane") {
				return strings.Fields(line)[1] + undercloudPort, true, nil
			}
		}
	}
	return "localhost" + undercloudPort, false, nil
}

func bracketed(host string) string {
	if strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
		return "[" + host + "]"
	}
	return host
}
