package openstack

import (
	"context"
	"fmt"
	"maps"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// stepVolume makes the volume that the server boots from.
type stepVolume struct{}

func (*stepVolume) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if !b.config.UseBlockStorageVolume {
		return multistep.ActionContinue
	}
	err := b.withRoom(ctx, "volume", func(ctx context.Context) (err error) {
		b.volumeID, err = b.makeVolume(ctx)
		return err
	})
	if err != nil {
		return next(state, fmt.Errorf("creating volume %q: %w", b.config.VolumeName, cloud.Classify(err)))
	}
	b.report.Step("Volume %s, waiting for its data", b.volumeID)
	return next(state, b.waitVolume(ctx, "volume to be available"))
}

func (b *build) makeVolume(ctx context.Context) (string, error) {
	c := &b.config.VolumeConfig
	metadata := b.marks()
	maps.Copy(metadata, takenByNova(b.config.ImageMetadata))
	opts := volumes.CreateOpts{
		Size: b.volumeSize(), VolumeType: c.VolumeType, AvailabilityZone: c.VolumeAvailabilityZone,
		Name: c.VolumeName, ImageID: b.source.ID, Metadata: metadata,
	}
	thing := b.expectUsed(&cloud.Thing{
		Kind: "volume",
		Find: b.findVolumes,
		Delete: func(ctx context.Context, id string) error {
			return volumes.Delete(ctx, b.volume, id, nil).ExtractErr()
		},
		Gone: func(ctx context.Context, id string) (bool, error) { return cloud.VolumeDeleted(ctx, b.volume, id) },
	})
	return thing.Make(ctx, func(ctx context.Context) (string, error) {
		v, err := volumes.Create(ctx, b.volume, opts, nil).Extract()
		if err != nil {
			return "", err
		}
		return v.ID, nil
	})
}

// volumeSize is what the template says, or what the source image needs, in GiB.
func (b *build) volumeSize() int {
	const gib = 1 << 30
	if b.config.VolumeSize > 0 {
		return b.config.VolumeSize
	}
	need := max(b.source.Size, b.source.VirtualSize)
	return max(b.source.MinDisk, int((need+gib-1)/gib), 1)
}

func (b *build) findVolumes(ctx context.Context) ([]string, error) {
	pages, err := volumes.List(b.volume, volumes.ListOpts{Name: b.config.VolumeName}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	all, err := volumes.ExtractVolumes(pages)
	var ids []string
	for _, v := range all {
		if v.Metadata[cloud.RunKey] == string(b.config.run) {
			ids = append(ids, v.ID)
		}
	}
	return ids, err
}

// waitVolume waits until the volume can be used.
func (b *build) waitVolume(ctx context.Context, what string) error {
	return b.poll(ctx, what, b.config.VolumeTimeout, func(ctx context.Context) (bool, error) {
		v, err := volumes.Get(ctx, b.volume, b.volumeID).Extract()
		if err != nil {
			return false, cloud.Classify(err)
		}
		switch v.Status {
		case "available":
			return true, nil
		case "error", "error_deleting", "error_extending":
			return false, fault.New(fault.Conflict, "check volume_type, volume_size and the quota", "volume %q failed: its status is %s",
				v.ID, v.Status)
		}
		return false, nil
	})
}

func (*stepVolume) Cleanup(multistep.StateBag) {}
