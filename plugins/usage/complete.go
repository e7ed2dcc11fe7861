package main

import (
	"context"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func complete(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	var all []sdk.Suggestion
	if what.Flag == "allow-incomplete" {
		for _, s := range usage.SourceNames {
			if strings.HasPrefix(s, what.Prefix) {
				all = append(all, sdk.Suggestion{Value: s})
			}
		}
		return all, nil
	}
	c, images, err := bridge.Images(ctx, in, "")
	if err != nil {
		return nil, bridge.Problem(err)
	}
	defer c.Close()
	list, err := images.Images(ctx, glance.Query{})
	if err != nil {
		return nil, bridge.Problem(err)
	}
	seen := map[string]bool{}
	for _, i := range list {
		if strings.HasPrefix(i.Name, what.Prefix) && !seen[i.Name] {
			seen[i.Name] = true
			all = append(all, sdk.Suggestion{Value: i.Name, Help: i.ID})
		}
	}
	return all, nil
}
