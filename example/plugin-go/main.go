// Command imgctl-age is a complete plugin: imgctl image age lists images by age.
package main

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/openstack"
)

func main() {
	sdk.Main(sdk.Plugin{Name: "age", Version: "1.0.0", Vendor: "example.org", Commands: []sdk.Command{{
		Path: "image age", Kind: sdk.List, Short: "List images by age", Needs: []sdk.Need{sdk.NeedsCloud},
		Flags:   sdk.Flags{sdk.Duration("older-than", 0, "only images older than this, such as 30d")},
		Columns: sdk.Columns{{Title: "ID"}, {Title: "Name"}, {Title: "Size", Unit: sdk.UnitBytes}, {Title: "Age", Unit: sdk.UnitSeconds}},
		Run:     age,
	}}})
}

func age(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	glance, err := openstack.Image(ctx, in.Cloud("")) // "" is the cloud of --os-cloud
	if err != nil {
		return err
	}
	return openstack.Problem(images.List(glance, images.ListOpts{Sort: "created_at:asc"}).EachPage(ctx,
		func(_ context.Context, page pagination.Page) (bool, error) {
			found, err := images.ExtractImages(page)
			for _, image := range found {
				if old := time.Since(image.CreatedAt).Truncate(time.Second); old > in.Duration("older-than") {
					out.Row(image.ID, image.Name, image.SizeBytes, old)
				}
			}
			return true, err
		}))
}
