package main

import (
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

// logins are the variables that say where docker and podman keep logins.
var logins = []string{"DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"}

// client is one with the user's logins, certificates and flags; insecure are registries that files
// call so.
func client(in *sdk.Input, o registry.Options, insecure []string) (*registry.Client, []string, error) {
	for _, name := range logins {
		if value := in.Environment()[name]; value != "" {
			if err := os.Setenv(name, value); err != nil {
				return nil, nil, err
			}
		}
	}
	o.Keychain = authn.DefaultKeychain
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
