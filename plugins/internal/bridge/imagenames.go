package bridge

import (
	"context"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// ImageNames suggests the names of the project's images.
func ImageNames(ctx context.Context, in *sdk.Input, prefix string) ([]sdk.Suggestion, error) {
	c, images, err := Images(ctx, in, "")
	if err != nil {
		return nil, Problem(err)
	}
	defer c.Close()
	found, err := images.Images(ctx, glance.Query{Owner: c.Project().ID, BothHidden: true})
	if err != nil {
		return nil, Problem(err)
	}
	var suggestions []sdk.Suggestion
	for _, img := range found {
		if strings.HasPrefix(img.Name, prefix) {
			suggestions = append(suggestions, sdk.Suggestion{Value: img.Name, Help: img.ID})
		}
	}
	slices.SortFunc(suggestions, func(a, b sdk.Suggestion) int { return strings.Compare(a.Value, b.Value) })
	return slices.CompactFunc(suggestions, func(a, b sdk.Suggestion) bool { return a.Value == b.Value }), nil
}
