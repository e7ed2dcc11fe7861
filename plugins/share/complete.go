package main

import (
	"context"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// completeOwned suggests the images of the cloud of --from.
func completeOwned(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	return suggest(ctx, in, what, func(ctx context.Context, clouds share.Clouds) ([]share.Named, error) {
		return share.Owned(ctx, clouds, in.String("from"))
	})
}

// completeOffered suggests what others share with the clouds of --to.
func completeOffered(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	return suggest(ctx, in, what, func(ctx context.Context, clouds share.Clouds) ([]share.Named, error) {
		return share.Offered(ctx, clouds, in.Strings("to"))
	})
}

// completeListed suggests what `share list` would list.
func completeListed(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	if in.String("from") == "" && len(in.Strings("to")) > 0 {
		return completeOffered(ctx, in, what)
	}
	return completeOwned(ctx, in, what)
}

func suggest(ctx context.Context, in *sdk.Input, what sdk.Completing, find func(context.Context, share.Clouds) ([]share.Named,
	error),
) ([]sdk.Suggestion, error) {
	clouds, done := reach(in)
	defer done()
	found, err := find(ctx, clouds)
	if err != nil {
		return nil, bridge.Problem(err)
	}
	var suggestions []sdk.Suggestion
	for _, i := range found {
		if strings.HasPrefix(i.Name, what.Prefix) {
			suggestions = append(suggestions, sdk.Suggestion{Value: i.Name, Help: i.ID})
		}
	}
	slices.SortStableFunc(suggestions, func(a, b sdk.Suggestion) int { return strings.Compare(a.Value, b.Value) })
	return slices.CompactFunc(suggestions, func(a, b sdk.Suggestion) bool { return a.Value == b.Value }), nil
}
