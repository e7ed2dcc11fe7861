// Command imgctl-image is the plugin image: what people ask about one image.
package main

import (
	"context"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "image", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Short:    "Test whether an image boots, and find the image to use",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{bootTestCommand(), resolveCommand()},
	})
}

// completeNames suggests the names of the project's images.
func completeNames(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	if what.Arg != "IMAGE" {
		return nil, nil
	}
	c, images, err := bridge.Images(ctx, in, "")
	if err != nil {
		return nil, bridge.Problem(err)
	}
	defer c.Close()
	found, err := images.Images(ctx, glance.Query{Owner: c.Project().ID, BothHidden: true})
	if err != nil {
		return nil, bridge.Problem(err)
	}
	var suggestions []sdk.Suggestion
	for _, img := range found {
		if strings.HasPrefix(img.Name, what.Prefix) {
			suggestions = append(suggestions, sdk.Suggestion{Value: img.Name, Help: img.ID})
		}
	}
	slices.SortFunc(suggestions, func(a, b sdk.Suggestion) int { return strings.Compare(a.Value, b.Value) })
	return slices.CompactFunc(suggestions, func(a, b sdk.Suggestion) bool { return a.Value == b.Value }), nil
}
