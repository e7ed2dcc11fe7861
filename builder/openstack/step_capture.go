package openstack

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// stepCapture captures the server as an image under the staging name. stepUpload captures servers with a
// volume.
type stepCapture struct{}

func (*stepCapture) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if b.config.SkipCreateImage || b.config.UseBlockStorageVolume {
		return multistep.ActionContinue
	}
	b.report.Step("Capturing the image")
	properties := b.marks()
	maps.Copy(properties, takenByNova(b.config.ImageMetadata))
	err := b.capture(ctx, func(ctx context.Context) (string, error) {
		return servers.CreateImage(ctx, b.compute, b.server.ID, servers.CreateImageOpts{
			Name: staging(b.config.run), Metadata: properties,
		}).ExtractImageID()
	})
	if err != nil {
		return next(state, err)
	}
	// The image can be complete a moment before Nova is done with the server.
	err = b.pollNow(ctx, "server to be captured", b.config.ImageTimeout, func(ctx context.Context) (bool, error) {
		_, done, err := b.serverIs(ctx, b.server.ID, "SHUTOFF", "STOPPED", "ACTIVE")
		return done, err
	})
	return next(state, err)
}

// capture starts an image, hides it, and waits until it is complete.
func (b *build) capture(ctx context.Context, do func(context.Context) (string, error)) error {
	// Scripts read the name from this line of HashiCorp's plugin.
	b.report.Step("Creating the image: %s", b.config.ImageName)
	id := ""
	err := b.withRoom(ctx, "image", func(ctx context.Context) (err error) {
		id, err = b.startCapture(ctx, do)
		return err
	})
	if err != nil {
		return fmt.Errorf("capturing the image: %w", cloud.Classify(err))
	}
	b.report.Step("Image %s, waiting for its data", id)
	// An image that can't be hidden still has its staging name, which nobody looks up.
	if b.source.CanHide {
		if _, err := b.images.Update(ctx, id, glance.Patch{}.Hidden(true)); err != nil && ctx.Err() != nil {
			return err
		}
	}
	img, err := b.waitImage(ctx, id, "image to be captured", b.config.ImageTimeout)
	if err != nil {
		return err
	}
	b.image = img
	return b.wait(ctx, time.Duration(b.config.ImageCreationWait)*time.Second)
}

// startCapture has Nova or Cinder begin to make the image.
func (b *build) startCapture(ctx context.Context, do func(context.Context) (string, error)) (string, error) {
	b.imageMade = b.left.Expect(b.imageThing())
	return b.imageMade.Make(ctx, do)
}

// waitImage waits until the image is active.
func (b *build) waitImage(ctx context.Context, id, what string, timeout time.Duration) (img *glance.Image, err error) {
	err = b.poll(ctx, what, timeout, func(ctx context.Context) (bool, error) {
		if img, err = b.images.Image(ctx, id); err != nil {
			return false, err
		}
		switch img.Status {
		case glance.StatusActive:
			return true, nil
		case glance.StatusKilled, "deleted", "pending_delete", glance.StatusDeactivated:
			return false, fault.New(fault.Conflict, "look into the Image service's log", "image %q failed: its status is %s", id,
				img.Status)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	return img, nil
}

// wait waits, unless the build is cancelled.
func (b *build) wait(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Cancelled, "", context.Cause(ctx))
	}
}

// imageThing says how the unfinished image is found and removed.
func (b *build) imageThing() *cloud.Thing {
	return &cloud.Thing{
		Kind: "image",
		Find: b.findStaged,
		Delete: func(ctx context.Context, id string) error {
			err := b.images.Delete(ctx, id)
			if fault.Is(err, fault.Forbidden) {
				// The request that publishes it may have taken effect after all.
				if _, e := b.images.Update(ctx, id, glance.Patch{}.Protected(false)); e == nil {
					return b.images.Delete(ctx, id)
				}
			}
			return err
		},
	}
}

func (b *build) findStaged(ctx context.Context) ([]string, error) {
	found, err := b.images.Images(ctx, glance.Query{Name: staging(b.config.run), Owner: b.cloud.Project().ID, BothHidden: true})
	var ids []string
	for _, img := range found {
		ids = append(ids, img.ID)
	}
	return ids, err
}

func (*stepCapture) Cleanup(multistep.StateBag) {}
