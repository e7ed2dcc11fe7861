package openstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// stepPublish adds the image's members, and then sets everything else in one request.
type stepPublish struct{}

// parallelMembers is how many members are added at the same time.
const parallelMembers = 3

func (*stepPublish) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if b.image == nil {
		return multistep.ActionContinue
	}
	if err := b.share(ctx); err != nil {
		return next(state, fmt.Errorf("sharing the image: %w", err))
	}
	if err := b.checkConflict(ctx); err != nil {
		return next(state, err)
	}
	b.report.Step("Publishing the image as %q", b.config.ImageName)
	img, err := b.images.Update(ctx, b.image.ID, b.final())
	if err != nil {
		return next(state, fmt.Errorf("publishing the image as %q: %w", b.config.ImageName, err))
	}
	b.image, b.published = img, true
	b.report.Step("Published image %s", img)
	b.imageMade.Keep()
	b.generate(state)
	b.replace(ctx)
	return multistep.ActionContinue
}

// share adds the members while the image is hidden and still has its staging name, so that all of them
// only see it complete.
func (b *build) share(ctx context.Context) error {
	c := &b.config.ImageConfig
	if len(c.ImageMembers) == 0 {
		return nil
	}
	b.report.Step("Sharing the image with %d projects", len(c.ImageMembers))
	if b.image.Visibility != glance.Shared {
		if _, err := b.images.Update(ctx, b.image.ID, glance.Patch{}.Visibility(glance.Shared)); err != nil {
			return err
		}
	}
	accept := map[string]*glance.Client{}
	if c.ImageAutoAcceptMembers {
		for _, m := range c.ImageMembers {
			accept[m] = b.images
		}
	}
	for _, a := range b.acceptors {
		api, err := a.Image()
		if err != nil {
			return err
		}
		accept[a.Project().ID] = glance.New(api)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelMembers)
	for _, m := range slices.Compact(slices.Sorted(slices.Values(c.ImageMembers))) {
		group.Go(func() error {
			if err := b.images.AddMember(ctx, b.image.ID, m); err != nil {
				return err
			}
			if accept[m] == nil {
				return nil
			}
			err := accept[m].SetMemberStatus(ctx, b.image.ID, m, glance.Accepted)
			if fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NotFound) {
				return fault.Wrap(fault.KindOf(err), "name clouds of the members in image_accept_with", err)
			}
			return err
		})
	}
	return group.Wait()
}

// checkConflict looks once more for images of the name: another build may have been faster.
func (b *build) checkConflict(ctx context.Context) error {
	if b.config.ImageNameConflict != conflictFail {
		return nil
	}
	found, err := predecessors(ctx, b)
	if err == nil && len(found) > 0 {
		return fault.New(fault.Conflict, "choose another image_name",
			"image_name: somebody has meanwhile created an image of this name:\n%s", glance.List(found))
	}
	return err
}

// final is the request that gives the image everything that the template asks for.
func (b *build) final() glance.Patch {
	c := &b.config.ImageConfig
	p := glance.Patch{}.Name(c.ImageName)
	if b.image.CanHide {
		p = p.Hidden(c.ImageHidden)
	}
	if c.ImageVisibility != "" {
		p = p.Visibility(c.ImageVisibility)
	}
	if len(c.ImageTags) > 0 {
		p = p.Tags(c.ImageTags)
	}
	if c.ImageMinDisk > 0 {
		p = p.MinDisk(c.ImageMinDisk)
	}
	if c.ImageMinRAM > 0 {
		p = p.MinRAM(c.ImageMinRAM)
	}
	if c.ImageProtected {
		p = p.Protected(true)
	}
	for _, key := range slices.Sorted(maps.Keys(b.image.Properties)) {
		_, set := c.ImageMetadata[key]
		// The service's own properties can't be changed; the run id stays, the deadline is removed.
		tested := b.config.BootTest != nil && slices.Contains(boottest.Keys, key)
		fixed := key == cloud.RunKey || tested || strings.HasPrefix(key, "os_glance_")
		if !fixed && !set && !c.inherits(key) {
			p = p.Remove(key)
		}
	}
	return p.SetAll(c.ImageMetadata).SetAll(c.caller)
}

// replace deletes the images that had the name. The new one is published, so a failure doesn't fail the
// build.
func (b *build) replace(ctx context.Context) {
	var errs []error
	for _, old := range b.predecessors {
		b.report.Step("Deleting the previous image %s", old)
		errs = append(errs, b.images.Delete(ctx, old.ID))
	}
	if err := errors.Join(errs...); err != nil {
		b.report.Warn("the image is published, but some of the images it replaces could not be deleted: %s", err)
	}
}

func (*stepPublish) Cleanup(multistep.StateBag) {}
