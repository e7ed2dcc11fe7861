package main

import (
	"context"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/envfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/localstore"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// localFlags say which registry is ours, and who we are there.
func localFlags() sdk.Flags {
	return sdk.Flags{
		sdk.String("registry-url", "", "registry that is meant (default: the undercloud's)").ValueName("HOST:PORT"),
		sdk.String("username", "", "user there").ValueName("USER"),
		sdk.String("password", "", "password there").Secret(),
	}
}

func pushCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare push", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Copy images to a registry",
		Long: "Copies the images under their own paths. What the registry has already isn't sent, and digests stay as they are. " +
			"With --dry-run, the plan is shown in bytes.",
		Examples: []sdk.Example{
			{Text: "To the undercloud's registry", Command: "imgctl prepare push quay.io/ns/openstack-nova-api:tag"},
			{Text: "To another one", Command: "imgctl prepare push quay.io/ns/openstack-nova-api:tag --registry-url " +
				"registry.example:5000 " +
				"--append-tag -site"},
		},
		Args: []sdk.Arg{sdk.OneOrMore("IMAGE", "REGISTRY/PATH:TAG, or containers-storage:NAME for one in this machine's own storage")},
		Flags: slices.Concat(localFlags(), sdk.Flags{
			sdk.String("append-tag", "", "text to add to the tag").ValueName("TEXT"),
			sdk.String("source-username", "", "user at the images' registry").ValueName("USER"),
			sdk.String("source-password", "", "password there").Secret(),
			sdk.Bool("multi-arch", "copy images for all architectures"),
			sdk.Bool("cleanup", "for scripts written for TripleO: nothing is left on this machine to clean up"),
			sdk.Bool("local", "the images are in this machine's own storage, that of podman and buildah"),
		}, registryFlags(), copyFlags()),
		Columns: copyColumns,
		Run:     bridge.Run(push),
	}
}

func push(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	target, err := destination(in)
	if err != nil {
		return err
	}
	jobs, err := pushJobs(in, target)
	if err != nil {
		return err
	}
	o, err := copyOptions(in)
	if err != nil {
		return err
	}
	logins := map[string]registry.Login{}
	for _, job := range jobs {
		addLogin(in, out, logins, job.Source.Registry(), "source-username", "source-password")
	}
	addLogin(in, out, logins, target.Host, "username", "password")
	c, _, err := client(in, registry.Options{Logins: logins}, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := openStores(in, c, target.Host, toCopy(in, out, map[string]bool{target.Host: true}))
	if err != nil {
		return err
	}
	defer s.close()
	done, err := takeLocal(ctx, in, s, jobs)
	if err != nil {
		return err
	}
	defer done()
	s.place(jobs)
	plan, err := transfer.NewPlan(ctx, s.Stores, jobs, o)
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, plan)
}

func pushJobs(in *sdk.Input, target reference.Destination) (jobs []transfer.Job, err error) {
	for _, text := range in.ArgValues("IMAGE") {
		name, local := strings.CutPrefix(text, localstore.Prefix)
		source, err := reference.Parse(name)
		if err != nil {
			return nil, err
		}
		if local || in.Bool("local") {
			source = named(source)
		}
		to := target.Of(source)
		if source.Digest == "" {
			to = to.WithTag(source.Identifier() + in.String("append-tag"))
		}
		if to.Tag != "" && !reference.ValidTag(to.Tag) {
			return nil, fault.Bad("append_tag", "", "%q is no tag", to.Tag)
		}
		job := transfer.Job{Source: source, Target: to, MultiArch: in.Bool("multi-arch")}
		if local || in.Bool("local") {
			job.SourceFolder = ownStorage
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// destination is the registry of the flag, else the undercloud's.
func destination(in *sdk.Input) (reference.Destination, error) {
	if in.IsSet("registry-url") {
		return reference.ParseDestination(in.String("registry-url"))
	}
	registry, err := undercloud(&envfile.Environment{})
	if err != nil {
		return reference.Destination{}, err
	}
	return reference.ParseDestination(registry)
}

func addLogin(in *sdk.Input, out *sdk.Output, to map[string]registry.Login, host, user, password string) {
	if in.String(user) == "" {
		return
	}
	secret := in.Secret(password)
	out.CrossOut(secret)
	to[host] = registry.Login{User: in.String(user), Password: secret.Reveal()}
}
