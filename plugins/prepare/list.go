package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
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
	s, err := openStores(in, c, target.Host, toRead)
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
	tags, errs := make([][]string, len(repositories)), make([]error, len(repositories))
	var group errgroup.Group
	group.SetLimit(16)
	for n, repository := range repositories {
		group.Go(func() error {
			tags[n], errs[n] = c.Tags(ctx, target.Host, repository)
			if fault.Is(errs[n], fault.NotFound) {
				errs[n] = nil // deleted meanwhile, or without tags
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are kept one by one
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for n, repository := range repositories {
		names, err := imageNames(target.Host, repository, tags[n])
		for _, name := range names {
			out.Row("docker://" + name)
		}
		errs[n] = errors.Join(errs[n], err)
	}
	return unread(errs)
}

// imageNames are the names of a repository's images, sorted. A registry may answer with anything: what can't be the name of
// an image, such as control characters for the terminal, is counted in the error.
func imageNames(host, repository string, tags []string) (names []string, err error) {
	odd := 0
	for _, tag := range slices.Sorted(slices.Values(tags)) {
		name := host + "/" + repository + ":" + tag
		if _, failed := reference.Parse(name); failed != nil || tag == "" {
			odd++
			err = fmt.Errorf("repository %.150q: %d of its %d tags can't be tags, such as %.150q", repository, odd, len(tags), tag)
			continue
		}
		names = append(names, name)
	}
	return names, err
}

// unread is the error of repositories whose tags can't be listed, nil for those that can: partial where
// others can.
func unread(errs []error) error {
	all := len(errs)
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case all:
		return fault.Wrap(fault.KindOf(errs[0]), "", errors.Join(errs...))
	}
	return fault.Wrap(fault.Partial, "", fmt.Errorf("%d of %d repositories can't be listed: %w", len(errs), all, errors.Join(errs...)))
}

// listFolder lists the images of the folder that the registry serves.
func listFolder(out *sdk.Output, f *imageserve.Folder, host string) error {
	repositories, err := f.Repositories()
	if err != nil {
		return err
	}
	errs := make([]error, len(repositories))
	for n, repository := range repositories {
		var tags []string
		tags, errs[n] = f.Tags(repository)
		for _, tag := range tags {
			out.Row(fmt.Sprintf("docker://%s/%s:%s", host, repository, tag))
		}
	}
	return unread(errs)
}
