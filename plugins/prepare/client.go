package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

// loginFiles are those of podman and docker: REGISTRY_AUTH_FILE takes the place of podman's usual ones.
func loginFiles(in *sdk.Input) *registry.LoginFiles {
	environment := in.Environment()
	home, _ := os.UserHomeDir() // without one, its files aren't asked
	below := func(folder string, names ...string) string {
		if folder == "" {
			return ""
		}
		return in.Path(filepath.Join(append([]string{folder}, names...)...))
	}
	f := &registry.LoginFiles{Named: in.Path(environment["REGISTRY_AUTH_FILE"])}
	if f.Named == "" {
		f.Usual = []string{
			cmp.Or(below(environment["XDG_RUNTIME_DIR"], "containers", "auth.json"),
				fmt.Sprintf("/run/containers/%d/auth.json", os.Getuid())),
			below(cmp.Or(environment["XDG_CONFIG_HOME"], below(home, ".config")), "containers", "auth.json"),
		}
	}
	f.Usual = append(f.Usual, below(cmp.Or(environment["DOCKER_CONFIG"], below(home, ".docker")), "config.json"))
	for name, value := range environment {
		f.Environment = append(f.Environment, name+"="+value)
	}
	return f
}

// client is one with the user's logins, certificates and flags; insecure are registries that files
// call so.
func client(in *sdk.Input, o registry.Options, insecure []string) (*registry.Client, []string, error) {
	o.LoginFiles = loginFiles(in)
	o.Insecure = slices.Concat(insecure, in.Strings("insecure-registry"))
	o.CAFile = in.File("ca-file")
	o.CertsDir = []string{"/etc/containers/certs.d", "/etc/docker/certs.d"}
	o.Requests = in.Int("max-requests")
	o.UserAgent = "imgctl/" + version.Version
	if o.Requests < 1 {
		return nil, nil, fault.Bad("max_requests", "", "has to be at least 1")
	}
	for _, text := range in.Strings("registry-mirror") {
		host, mirror, ok := strings.Cut(text, "=")
		if !ok || host == "" || mirror == "" {
			return nil, nil, fault.Bad("registry_mirror", "", "%q is not HOST=URL", text)
		}
		if o.Mirrors == nil {
			o.Mirrors = map[string][]string{}
		}
		o.Mirrors[host] = append(o.Mirrors[host], mirror)
	}
	c, err := registry.New(o)
	return c, o.Insecure, err
}
