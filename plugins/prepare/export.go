package main

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/lockfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func exportCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare export", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Write images to a folder or file for another site",
		Long: "Writes the images that the deployment uses, or the ones named, as an OCI image layout: to a folder, or to a file if the " +
			"name ends in .tar. Images keep their names and digests, and what is attached to them comes along. A run that was stopped is " +
			"continued by the next one. With --since, blobs of the images that a lock file has are left out: the other site has them.",
		Examples: []sdk.Example{
			{Text: "All images of a deployment", Command: "imgctl prepare export images.tar -e containers.yaml --lock images.lock"},
			{Text: "Later, only what is new", Command: "imgctl prepare export update.tar -e containers.yaml --since images.lock"},
			{Text: "One image, to a folder", Command: "imgctl prepare export ./images quay.io/ns/openstack-nova-api:tag"},
		},
		Args: []sdk.Arg{
			sdk.One("PATH", "folder, or file whose name ends in .tar").Completes(sdk.CompleteFiles).Writes(),
			sdk.ZeroOrMore("IMAGE", "REGISTRY/PATH:TAG (default: what the deployment uses)"),
		},
		Flags: slices.Concat(deploymentFlags(), registryFlags(), copyFlags(), lockFlags(), sdk.Flags{
			sdk.File("since", "", "leave out blobs of this lock file's images"),
			sdk.Bool("multi-arch", "write images for all architectures"),
		}),
		Columns: copyColumns,
		Run:     bridge.Run(export),
	}
}

func export(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o, err := copyOptions(in)
	if err != nil {
		return err
	}
	d, err := load(in, out)
	if err != nil {
		return err
	}
	if err := d.freeze(in); err != nil {
		return err
	}
	if err := d.reach(in, out); err != nil {
		return err
	}
	defer d.closes()
	jobs, err := d.exported(ctx, in, out)
	if err != nil {
		return err
	}
	s, err := openStores(in, d.client, d.Undercloud, toRead)
	if err != nil {
		return err
	}
	defer s.close()
	s.Registries = d.seen.Client(d.client)
	path := in.Path(in.Arg("PATH"))
	l, err := layout.Create(path, in.DryRun())
	if err != nil {
		return err
	}
	defer l.Close()
	s.Folders[path] = l
	for n := range jobs {
		jobs[n].TargetFolder = path
	}
	s.place(jobs)
	left, err := since(ctx, in, out, s, o)
	if err != nil {
		return err
	}
	l.Leave(left)
	return apply(ctx, in, out, s.Stores, jobs, o)
}

// apply plans the copy, carries it out, and keeps the lock.
func apply(ctx context.Context, in *sdk.Input, out *sdk.Output, s transfer.Stores, jobs []transfer.Job, o transfer.Options) error {
	plan, err := transfer.NewPlan(ctx, s, jobs, o)
	if err != nil {
		return err
	}
	for _, line := range summary(plan) {
		out.Text(line)
	}
	if err := bridge.CarryOut(ctx, in, out, plan); err != nil || in.DryRun() {
		return err
	}
	if !keeps(in) {
		return nil
	}
	kept, err := lockfile.ReadIfThere(in.File("lock"))
	if err != nil {
		return err
	}
	for _, i := range plan.Images {
		if i.Source.Digest == "" {
			kept.Images[i.Source.String()] = i.Digest
		}
	}
	return writeLock(in.File("lock"), kept)
}

// exported are the images of the arguments, else the sources of all that the deployment uses.
func (d *deployment) exported(ctx context.Context, in *sdk.Input, out *sdk.Output) (jobs []transfer.Job, err error) {
	add := func(source reference.Reference, multiArch bool) {
		jobs = append(jobs, transfer.Job{Source: source, Target: source, MultiArch: multiArch || in.Bool("multi-arch")})
	}
	for _, text := range in.ArgValues("IMAGE") {
		image, err := reference.Parse(text)
		if err != nil {
			return nil, err
		}
		if image.Digest == "" {
			image = image.WithTag(image.Identifier())
		}
		add(image, false)
	}
	if len(jobs) == 0 {
		result, err := d.decide(ctx, out)
		if err != nil {
			return nil, err
		}
		for _, image := range result.All() {
			add(image.Source, image.MultiArch)
		}
	}
	pin, err := frozen(in)
	if err != nil {
		return nil, err
	}
	for n := range jobs {
		if jobs[n].Source, err = pin(jobs[n].Source); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}
