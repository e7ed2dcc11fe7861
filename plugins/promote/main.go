// Command imgctl-promote is the plugin promote, imgctl's door to internal/image/promote.
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
		Name: "promote", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Short:    "Promote images: swap a name to a new image, and roll back",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{runCommand(), statusCommand(), resumeCommand(), rollbackCommand(), historyCommand()},
	})
}

// renamed are the options of a promotion whose flag or argument has another name.
var renamed = map[string]string{"image_id": "IMAGE", "image_name": "--name", "timeout": "--limit"}

// bootTest begins the names of the flags of a promotion's boot test.
const bootTest = "boot-test-"

// project is the flag that chooses the project that owns the images.
func project() sdk.Flag {
	return sdk.String("project", "", "id of the project that owns the images (default: the credentials' own)").ValueName("ID")
}

// completeNames suggests the names of the project's images.
func completeNames(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	c, images, err := bridge.Images(ctx, in, "")
	if err != nil {
		return nil, bridge.Problem(err)
	}
	defer c.Close()
	found, err := images.Images(ctx, glance.Query{Owner: c.Project().ID})
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
