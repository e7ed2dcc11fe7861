package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/envfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imagelist"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// templates is where TripleO's heat templates are installed.
const templates = "/usr/share/openstack-tripleo-heat-templates"

// deploymentFlags say which deployment it is about.
func deploymentFlags() sdk.Flags {
	return sdk.Flags{
		sdk.Strings("environment-file", "heat environment file; of several, the later count").Short("e").
			ValueName("FILE").Completes(sdk.CompleteFiles),
		sdk.Strings("environment-directory", "folder whose *.yaml are environment files, before the files (default: "+
			"~/.tripleo/environments, if there is one)").
			ValueName("DIR").Completes(sdk.CompleteDirectories),
		sdk.File("roles-file", "", "roles of the deployment, from here or from "+templates+" (default: roles_data.yaml there, "+
			"if there is "+
			"one); "+
			"without roles, all images are prepared").Short("r"),
		sdk.Enum("release", imagelist.Latest, "OpenStack release whose images are meant", imagelist.Releases()...),
		sdk.File("template", "", "Jinja2 template of the images in TripleO's format, in place of the release's own list"),
		sdk.Enum("label-policy", string(decide.Modern), "what counts where an entry has both a tag and tag_from_label: the tag (modern), "+
			"or the label (legacy, as TripleO until August 2020)", string(decide.Modern), string(decide.Legacy)),
	}
}

// registryFlags say how registries are reached.
func registryFlags() sdk.Flags {
	return sdk.Flags{
		sdk.Strings("insecure-registry", "registry without TLS, or whose certificate can't be checked").ValueName("HOST:PORT"),
		sdk.Strings("registry-mirror", "where to read a registry's images first, such as "+
			"docker.io=https://mirror.example").ValueName("HOST=URL"),
		sdk.File("ca-file", "", "further certificates to trust, in PEM; those in /etc/containers/certs.d and "+
			"/etc/docker/certs.d are known"),
		sdk.Int("max-requests", 16, "requests at once to one registry"),
	}
}

// deployment is what a command works on.
type deployment struct {
	decide.Request
	client *registry.Client
	seen   remote.Seen
	closes func()
}

// load reads the deployment's files.
func load(in *sdk.Input, out *sdk.Output) (*deployment, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/"
	}
	usual := filepath.Join(home, ".tripleo", "environments")
	env, err := envfile.Load(paths(in, in.Strings("environment-file")), append([]string{usual}, paths(in,
		in.Strings("environment-directory"))...), usual)
	if err != nil {
		return nil, err
	}
	d := &deployment{closes: func() {}}
	d.Environment, d.Policy, d.Now = env, decide.LabelPolicy(in.String("label-policy")), in.Now()
	if d.Release, err = imagelist.ByName(in.String("release")); err != nil {
		return nil, err
	}
	if template := in.File("template"); template != "" {
		if d.List, err = imagelist.FromFile(template); err != nil {
			return nil, err
		}
	}
	if d.Roles, err = roles(in, env); err != nil {
		return nil, err
	}
	if len(d.Roles) == 0 {
		out.Log().Info("no roles file: images of all services are prepared")
	}
	d.Undercloud, err = undercloud(env)
	return d, err
}

func paths(in *sdk.Input, all []string) []string {
	absolute := make([]string, len(all))
	for i, p := range all {
		absolute[i] = in.Path(p)
	}
	return absolute
}

// roles reads the roles file, from the user's folder or from TripleO's templates.
func roles(in *sdk.Input, env *envfile.Environment) ([]envfile.Role, error) {
	if !in.IsSet("roles-file") {
		usual := filepath.Join(templates, "roles_data.yaml")
		if _, err := os.Stat(usual); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return env.Roles(usual)
	}
	given := in.String("roles-file")
	if given == "" {
		return nil, fault.Bad("roles_file", "", "is empty")
	}
	if _, err := os.Stat(in.Path(given)); err != nil && !filepath.IsAbs(given) {
		if installed := filepath.Join(templates, given); exists(installed) {
			return env.Roles(installed)
		}
	}
	return env.Roles(in.Path(given))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// undercloud finds what push_destination: true means.
func undercloud(env *envfile.Environment) (string, error) {
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "localhost"
	}
	var hosts io.Reader = strings.NewReader("")
	if f, err := os.Open("/etc/hosts"); err == nil {
		defer f.Close()
		hosts = f
	}
	registry, _, err := decide.Undercloud(env, hostname, hosts)
	return registry, err
}

// reach makes the client that asks registries.
func (d *deployment) reach(in *sdk.Input, out *sdk.Output) error {
	logins, err := d.Environment.Credentials()
	if err != nil {
		return err
	}
	options := registry.Options{Logins: map[string]registry.Login{}}
	for host, l := range logins {
		out.CrossOut(sdk.NewSecret(l.Password))
		options.Logins[host] = registry.Login(l)
	}
	insecure, err := d.Environment.Parameters.Get("DockerInsecureRegistryAddress").Texts("DockerInsecureRegistryAddress")
	if err != nil {
		return err
	}
	if mirror, err := d.Environment.Parameters.Get("DockerRegistryMirror").Scalar("DockerRegistryMirror"); err != nil {
		return err
	} else if mirror != "" {
		options.Mirrors = map[string][]string{"docker.io": {mirror}}
	}
	d.client, d.Insecure, err = client(in, options, insecure)
	if err != nil {
		return err
	}
	d.closes = d.client.Close
	d.Registry = remote.Registry{Client: d.client, Seen: &d.seen}
	return nil
}

// decide decides, and tells what the user should look at.
func (d *deployment) decide(ctx context.Context, out *sdk.Output) (*decide.Result, error) {
	result, err := decide.Decide(ctx, d.Request)
	for _, f := range d.Environment.Findings {
		out.Log().Warn(f.Text, "file", f.File, "line", f.Line, "column", f.Column)
	}
	if err != nil {
		return nil, err
	}
	for _, note := range result.Notes {
		out.Log().Warn(note)
	}
	return result, nil
}
