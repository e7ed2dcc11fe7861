package openstack

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// pageSize is the most that the Image service gives in one page by default; its own default is 25.
const pageSize = 1000

var imageID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// EachImage calls take with each image that matches, through all pages. It stops at take's first error. What the
// service compares loosely, such as the case of names, is compared strictly.
func EachImage(ctx context.Context, client *gophercloud.ServiceClient, opts images.ListOpts, take func(images.Image) error) error {
	name := opts.Name
	opts.Name = nameFilter(name)
	if opts.Limit == 0 {
		opts.Limit = pageSize
	}
	return Problem(images.List(client, opts).EachPage(ctx, func(_ context.Context, page pagination.Page) (bool, error) {
		found, err := images.ExtractImages(page)
		if err != nil {
			return false, err
		}
		for _, image := range found {
			if name != "" && image.Name != name {
				continue
			}
			if err := take(image); err != nil {
				return false, err
			}
		}
		return true, nil
	}))
}

// nameFilter is the filter for a name. The service takes text before a colon as an operator and splits at commas,
// unless the name is quoted; a name with quotes of its own can't be.
func nameFilter(name string) string {
	if !strings.ContainsAny(name, ":,") {
		return name
	}
	if strings.ContainsAny(name, `"\`) {
		return ""
	}
	return `in:"` + name + `"`
}

// FindImage is the image that the user means, as imgctl's own commands find it: by its id, or by the exact name of one
// image, hidden ones included. owner is the id of the project that the image belongs to, such as Access.Project.ID; ""
// means any project. None is a problem of kind NotFound; several are Ambiguous, with a list of them.
func FindImage(ctx context.Context, client *gophercloud.ServiceClient, owner, image string) (*images.Image, error) {
	if image == "" {
		return nil, sdk.Fail(sdk.Usage, "give an image's id or name", "the image is empty")
	}
	if imageID.MatchString(image) {
		found, err := images.Get(ctx, client, image).Extract()
		if gophercloud.ResponseCodeIs(err, 404) {
			return nil, sdk.Fail(sdk.NotFound, "check the id, and whether the project may use the image", "no image with id %s", image)
		}
		return found, Problem(err)
	}
	var found []images.Image
	for _, hidden := range []bool{false, true} {
		opts := images.ListOpts{Name: image, Owner: owner, Hidden: hidden}
		err := EachImage(ctx, client, opts, func(i images.Image) error {
			found = append(found, i)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	switch len(found) {
	case 0:
		return nil, sdk.Fail(sdk.NotFound, "check the name, and whose project it is in", "no image %q", image)
	case 1:
		return &found[0], nil
	}
	return nil, sdk.Fail(sdk.Ambiguous, "give the id of one", "%d images %q:\n%s", len(found), image, listed(found))
}

// listed shows images for people, a line each, at most twenty, the newest first.
func listed(found []images.Image) string {
	slices.SortStableFunc(found, func(a, b images.Image) int { return b.CreatedAt.Compare(a.CreatedAt) })
	var b strings.Builder
	for n, i := range found {
		if n == 20 {
			fmt.Fprintf(&b, "  … and %d more\n", len(found)-n)
			break
		}
		fmt.Fprintf(&b, "  %s  created %s  %d bytes  %s  owner %s\n", i.ID, i.CreatedAt.UTC().Format(time.RFC3339), i.SizeBytes,
			i.Visibility, i.Owner)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// CompleteImages is the Complete of a command whose argument is an image: it suggests the names of the images that the
// project of --os-cloud may use.
func CompleteImages(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	return SuggestImages(ctx, in.Cloud(""), images.ListOpts{}, what.Prefix)
}

// SuggestImages suggests the names of the images that match and begin with the prefix, each once and in order, with the
// image's id, for a command whose images are those of another cloud or project.
func SuggestImages(ctx context.Context, cloud *sdk.Cloud, opts images.ListOpts, prefix string) ([]sdk.Suggestion, error) {
	client, err := Image(ctx, cloud)
	if err != nil {
		return nil, err
	}
	var all []sdk.Suggestion
	err = EachImage(ctx, client, opts, func(i images.Image) error {
		if i.Name != "" && strings.HasPrefix(i.Name, prefix) {
			all = append(all, sdk.Suggestion{Value: i.Name, Help: i.ID})
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b sdk.Suggestion) int { return strings.Compare(a.Value, b.Value) })
	return slices.CompactFunc(all, func(a, b sdk.Suggestion) bool { return a.Value == b.Value }), err
}
