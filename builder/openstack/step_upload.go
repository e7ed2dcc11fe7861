package openstack

import (
	"context"
	"fmt"
	"maps"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// stepUpload makes an image of the volume, after deleting the server.
type stepUpload struct{}

func (*stepUpload) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if b.config.SkipCreateImage || !b.config.UseBlockStorageVolume {
		return multistep.ActionContinue
	}
	b.report.Step("Deleting the server, so that its volume can be captured")
	b.left.Start(ctx, b.config.CleanupTimeout, b.serverMade)
	if err := b.waitVolume(ctx, "volume to be detached"); err != nil {
		return next(state, err)
	}
	if err := b.cleanVolume(ctx); err != nil {
		return next(state, fmt.Errorf("preparing volume %q: %w", b.volumeID, cloud.Classify(err)))
	}
	b.report.Step("Capturing the image from the volume")
	err := b.capture(ctx, func(ctx context.Context) (string, error) {
		img, err := volumes.UploadImage(ctx, b.volume, b.volumeID, volumes.UploadImageOpts{
			DiskFormat: b.config.ImageDiskFormat, ImageName: staging(b.config.run),
		}).Extract()
		return img.ImageID, err
	})
	return next(state, err)
}

// cleanVolume sets the image's properties on the volume, and removes those that the Image service would
// refuse or that describe the source's data.
func (b *build) cleanVolume(ctx context.Context) error {
	v, err := volumes.Get(ctx, b.volume, b.volumeID).Extract()
	if err != nil {
		return err
	}
	for key := range v.VolumeImageMetadata {
		// Properties that describe the source's data don't apply to the volume's, which Cinder describes itself.
		if builtIn[key] || b.config.inherits(key) && !glance.OwnData(key) {
			continue
		}
		if err := b.volumeAction(ctx, "os-unset_image_metadata", map[string]string{"key": key}); err != nil &&
			!gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
			return fmt.Errorf("removing property %q: %w", key, err)
		}
	}
	properties := b.marks()
	maps.Copy(properties, takenByNova(b.config.ImageMetadata))
	err = b.volumeAction(ctx, "os-set_image_metadata", map[string]any{"metadata": properties})
	if err != nil && !cloud.OutcomeUnknown(err) {
		// Some clouds don't have it; the properties come with the final change as well.
		b.report.Warn("the volume can't be given the image's properties: %s", cloud.Classify(err))
		return nil
	}
	return err
}

// builtIn are the entries of a volume's image metadata that aren't properties.
var builtIn = map[string]bool{
	"image_id": true, "image_name": true, "checksum": true, "container_format": true, "disk_format": true,
	"min_disk": true, "min_ram": true, "size": true,
}

// volumeAction does one of the actions that can be repeated.
func (b *build) volumeAction(ctx context.Context, action string, body any) error {
	resp, err := b.volume.Post(cloud.Repeatable(ctx), b.volume.ServiceURL("volumes", b.volumeID, "action"),
		map[string]any{action: body}, nil, &gophercloud.RequestOpts{OkCodes: []int{200, 202}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	return err
}

func (*stepUpload) Cleanup(multistep.StateBag) {}
