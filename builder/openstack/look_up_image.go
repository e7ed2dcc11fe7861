package openstack

import (
	"context"
	"fmt"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

func lookUpSource(ctx context.Context, b *build) error {
	c := &b.config.SourceConfig
	if c.ExternalSourceImageURL != "" {
		return nil
	}
	option := "source_image"
	switch {
	case c.SourceImageName != "":
		option = "source_image_name"
	case c.SourceImage == "":
		option = "source_image_filter"
	}
	img, err := b.images.One(ctx, c.selector(), c.SourceImageFilter.MostRecent)
	if fault.Is(err, fault.NotFound) && option != "source_image_filter" && c.selector().ID == "" {
		err = fault.Wrap(fault.NotFound, "source_image_filter can ask for more than a name", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", option, err)
	}
	b.source = img
	return nil
}

// lookUpPredecessors finds the project's own images of the name, if they matter.
func lookUpPredecessors(ctx context.Context, b *build) error {
	if b.config.ImageNameConflict == conflictAllow || b.config.SkipCreateImage {
		return nil
	}
	found, err := predecessors(ctx, b)
	if err != nil {
		return fmt.Errorf("image_name_conflict: %w", err)
	}
	if b.config.ImageNameConflict == conflictFail && len(found) > 0 {
		return fault.New(fault.Conflict, "choose another image_name, or set image_name_conflict to replace or allow",
			"image_name: project %q has an image of the name already:\n%s", b.cloud.Project().Name, glance.List(found))
	}
	for _, img := range found {
		if img.Protected {
			return fault.New(fault.Conflict, "unprotect it, or choose another image_name_conflict",
				"image_name_conflict: image %s can't be replaced: it is protected", img)
		}
	}
	b.predecessors = found
	return nil
}

func predecessors(ctx context.Context, b *build) ([]*glance.Image, error) {
	return b.images.Images(ctx, glance.Query{Name: b.config.ImageName, Owner: b.cloud.Project().ID, BothHidden: true})
}

// lookUpAcceptors authenticates for each of the clouds that accept the image.
func lookUpAcceptors(ctx context.Context, b *build) error {
	for _, name := range b.config.ImageAcceptWith {
		c, err := cloud.Connect(ctx, cloud.Other(name))
		if err != nil {
			return fmt.Errorf("image_accept_with: %w", err)
		}
		if !slices.Contains(b.config.ImageMembers, c.Project().ID) {
			return fault.New(fault.Usage, fmt.Sprintf("add %q to image_members, or take the cloud away", c.Project().ID),
				"image_accept_with: project %q of cloud %q is not among image_members", c.Project().Name, name)
		}
		b.acceptors = append(b.acceptors, c)
	}
	return nil
}
