package openstack

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// stepRights finds out, before a server is booted, whether the build may publish the image as the template
// asks. Only the cloud's policy knows, so the step creates an image record without data and removes it.
type stepRights struct{}

func (*stepRights) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	c := &b.config.ImageConfig
	if c.SkipCreateImage {
		return multistep.ActionContinue
	}
	if c.ImageHidden && b.source != nil && !b.source.CanHide {
		return next(state, fault.New(fault.Usage, "leave it out", "image_hidden: this Image service knows no hidden images"))
	}
	public := c.ImageVisibility == glance.Public || c.ImageVisibility == glance.Community
	if accept := c.ImageAutoAcceptMembers && len(c.ImageMembers) > 0; !public && !accept {
		return multistep.ActionContinue
	}
	return next(state, b.rehearse(ctx))
}

// rehearse creates a record with the image's visibility, and has a member accept it if the template asks
// for that.
func (b *build) rehearse(ctx context.Context) error {
	c := &b.config.ImageConfig
	attributes := map[string]any{
		"name": b.rehearsal(), "visibility": c.ImageVisibility, "container_format": "bare", "disk_format": "raw",
	}
	for key, value := range b.marks() {
		attributes[key] = value
	}
	if b.source != nil && b.source.CanHide {
		attributes["os_hidden"] = true
	}
	thing := b.left.Expect(&cloud.Thing{Kind: "image record", Find: b.findRehearsal, Delete: b.images.Delete})
	img, err := b.images.Create(ctx, attributes, cloud.RunKey, string(b.config.run))
	if fault.Is(err, fault.Forbidden) {
		thing.Keep()
		return fault.Wrap(fault.Forbidden, "leave it out, or use credentials that may publish such images",
			fmt.Errorf("image_visibility: project %q may not make %s images: %w", b.cloud.Project().Name, c.ImageVisibility, err))
	}
	if err != nil {
		return thing.Settle("", err)
	}
	thing.Made(img.ID)
	if c.ImageAutoAcceptMembers && len(c.ImageMembers) > 0 {
		err = b.rehearseAccepting(ctx, img.ID, c.ImageMembers[0])
	}
	if gone := b.images.Delete(ctx, img.ID); gone == nil {
		thing.Keep()
	} else {
		err = errors.Join(err, gone)
	}
	return err
}

func (b *build) rehearseAccepting(ctx context.Context, image, member string) error {
	if err := b.images.AddMember(ctx, image, member); err != nil {
		return fmt.Errorf("image_members: %w", err)
	}
	err := b.images.SetMemberStatus(ctx, image, member, glance.Accepted)
	if fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NotFound) {
		err = fault.Wrap(fault.KindOf(err), "name clouds of the members in image_accept_with", err)
	}
	if err != nil {
		return fmt.Errorf("image_auto_accept_members: %w", err)
	}
	return nil
}

func (b *build) rehearsal() string { return staging(b.config.run) + "-rehearsal" }

func (b *build) findRehearsal(ctx context.Context) ([]string, error) {
	found, err := b.images.Images(ctx, glance.Query{Name: b.rehearsal(), Owner: b.cloud.Project().ID, BothHidden: true})
	var ids []string
	for _, img := range found {
		ids = append(ids, img.ID)
	}
	return ids, err
}

func (*stepRights) Cleanup(multistep.StateBag) {}
