package main

import (
	"context"
	"fmt"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
)

// seedImage uploads the guest as a public image named tiny, unless there is one.
func seedImage(ctx context.Context, admin *gophercloud.ProviderClient, path string) error {
	client, err := openstack.NewImageV2(admin, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		return err
	}
	page, err := images.List(client, images.ListOpts{Name: "tiny", Status: images.ImageStatusActive}).AllPages(ctx)
	if err != nil {
		return err
	}
	if found, err := images.ExtractImages(page); err != nil || len(found) > 0 {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	public := images.ImageVisibilityPublic
	made, err := images.Create(ctx, client, images.CreateOpts{
		Name: "tiny", DiskFormat: "qcow2", ContainerFormat: "bare", Visibility: &public,
		Properties: map[string]string{"hw_rng_model": "virtio", "os_distro": "debian"},
	}).Extract()
	if err != nil {
		return fmt.Errorf("image %q: %w", "tiny", err)
	}
	return imagedata.Upload(ctx, client, made.ID, file).ExtractErr()
}
