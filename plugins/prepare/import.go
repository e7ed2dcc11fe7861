package main

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func importCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare import", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Copy images from a folder or file to a registry",
		Long: "Copies all images of an OCI image layout, such as one of an export, to a registry, under their own paths, and with what " +
			"is attached to them. Every digest is checked. An update that leaves out what was carried before is completed from what the " +
			"registry has.",
		Examples: []sdk.Example{
			{Text: "To a site's registry", Command: "imgctl prepare import images.tar --registry-url registry.example:5000"},
			{Text: "To the folder that an undercloud serves", Command: "imgctl prepare import images.tar --folder /var/lib/image-serve"},
		},
		Args:    []sdk.Arg{sdk.One("PATH", "folder or file of an export").Completes(sdk.CompleteFiles)},
		Flags:   slices.Concat(localFlags(), registryFlags(), copyFlags()),
		Columns: copyColumns,
		Run:     bridge.Run(importImages),
	}
}

func importImages(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	target, err := destination(in)
	if err != nil {
		return err
	}
	o, err := copyOptions(in)
	if err != nil {
		return err
	}
	logins := map[string]registry.Login{}
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
	path := in.Path(in.Arg("PATH"))
	l, err := layout.Open(path)
	if err != nil {
		return err
	}
	defer l.Close()
	s.Folders[path] = l
	images, err := l.Images(ctx)
	if err != nil {
		return err
	}
	var jobs []transfer.Job
	for _, image := range images {
		jobs = append(jobs, transfer.Job{Source: image, Target: target.Of(image), SourceFolder: path, MultiArch: true})
	}
	s.place(jobs)
	if o.MayHave, err = mayHave(l, target, s); err != nil {
		return err
	}
	plan, err := transfer.NewPlan(ctx, s.Stores, jobs, o)
	if err != nil {
		return err
	}
	for _, line := range summary(plan) {
		out.Text(line)
	}
	return bridge.CarryOut(ctx, in, out, plan)
}

// mayHave are the target's repositories that have what the layout leaves out.
func mayHave(l *layout.Layout, target reference.Destination, s *stores) (map[string][]string, error) {
	all := map[string][]string{}
	for digest, names := range l.Left() {
		for _, name := range names {
			image, err := reference.Parse(name)
			if err != nil {
				return nil, err
			}
			to := target.Of(image)
			repository := to.Repository()
			if f := s.Folders[s.dirs[to.Registry()]]; f != nil {
				repository = f.Repository(to)
			}
			all[digest] = append(all[digest], repository)
		}
	}
	return all, nil
}
