package main

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func listCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare list", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "List the images of a registry",
		Examples: []sdk.Example{
			{Text: "Of the undercloud's", Command: "imgctl prepare list"},
			{Text: "Of another one", Command: "imgctl prepare list --registry-url registry.example:5000 -f value"},
		},
		Flags:   slices.Concat(localFlags(), registryFlags(), folderFlags()),
		Columns: sdk.Columns{{Title: "Image Name"}},
		Run:     bridge.Run(list),
	}
}

func list(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, target, err := local(in, out)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := openStores(in, c, target.Host)
	if err != nil {
		return err
	}
	defer s.close()
	if f := s.folders[target.Host]; f != nil {
		return listFolder(out, f, target.Host)
	}
	repositories, err := c.Catalog(ctx, target.Host)
	if err != nil {
		return err
	}
	slices.Sort(repositories)
	tags := make([][]string, len(repositories))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for n, repository := range repositories {
		group.Go(func() (err error) {
			tags[n], err = c.Tags(ctx, target.Host, repository)
			if fault.Is(err, fault.NotFound) {
				return nil // deleted meanwhile, or without tags
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for n, repository := range repositories {
		slices.Sort(tags[n])
		for _, tag := range tags[n] {
			out.Row(fmt.Sprintf("docker://%s/%s:%s", target.Host, repository, tag))
		}
	}
	return nil
}

// listFolder lists the images of the folder that the registry serves.
func listFolder(out *sdk.Output, f *imageserve.Folder, host string) error {
	repositories, err := f.Repositories()
	if err != nil {
		return err
	}
	for _, repository := range repositories {
		tags, err := f.Tags(repository)
		if err != nil {
			return err
		}
		for _, tag := range tags {
			out.Row(fmt.Sprintf("docker://%s/%s:%s", host, repository, tag))
		}
	}
	return nil
}
