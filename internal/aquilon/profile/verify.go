package profile

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Verify asks the Image service whether a server can be booted from the image: one that the
// project doesn't see is fault.NotFound, one that isn't active fault.Conflict.
func Verify(ctx context.Context, images *glance.Client, id string) error {
	img, err := images.Image(ctx, id)
	switch {
	case fault.Is(err, fault.NotFound):
		return fault.Wrap(fault.NotFound, "correct it in the source images, or share the image with the project", err)
	case err != nil:
		return err
	case img.Status != glance.StatusActive:
		return fault.New(fault.Conflict, "choose one that is active", "checking source image %s: its status is %s", img, img.Status)
	}
	return nil
}

// atOnce is how many images are asked for together.
const atOnce = 8

// verifyAll gives the failures by id.
func verifyAll(ctx context.Context, images *glance.Client, ids []string) map[string]error {
	errs := make([]error, len(ids))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, id := range ids {
		group.Go(func() error {
			errs[i] = Verify(ctx, images, id)
			return nil
		})
	}
	_ = group.Wait() // what each found is in errs
	failed := map[string]error{}
	for i, id := range ids {
		if errs[i] != nil {
			failed[id] = errs[i]
		}
	}
	return failed
}
