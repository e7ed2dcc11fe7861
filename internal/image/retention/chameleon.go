package retention

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

//go:embed policies/*.yaml
var policies embed.FS

// Schema is the JSON Schema of policy files.
//
//go:embed policies/schema.json
var Schema string

// Shipped are the names of the policies that come with the program.
var Shipped = []string{"chameleon"}

// ShippedPolicy is one of them, as its file.
func ShippedPolicy(name string) ([]byte, error) {
	if !slices.Contains(Shipped, name) {
		return nil, fault.New(fault.NotFound, "shipped are "+strings.Join(Shipped, ", "), "no policy %q is shipped", name)
	}
	return policies.ReadFile("policies/" + name + ".yaml")
}

// Keys of Chameleon's site.yaml that matter here.
const (
	hideMonths   = "hide_image_age_in_month"
	deleteMonths = "delete_image_age_in_month"
	skipImages   = "skip_images"
)

// elsewhere are the keys of site.yaml that Chameleon's tools read for something else.
var elsewhere = []string{
	"auth_url", "admin_username", "admin_password", "admin_project", "region_name", "image_container", "image_metadata_field",
	"image_type", "image_prefix", "scope", "image_store_cloud", "object_store_url",
}

// isSite reports whether a file is a site.yaml.
func isSite(top *foreignfile.Node) (site bool) {
	_ = top.Pairs(func(key string, _, _ *foreignfile.Node) error { // anything but a mapping is refused later
		site = site || slices.Contains([]string{hideMonths, deleteMonths, skipImages, "image_store_cloud"}, key)
		return nil
	})
	return site
}

// chameleonOf is the policy chameleon with the numbers of a site.yaml.
func chameleonOf(top *foreignfile.Node) (*Policy, error) {
	text, err := ShippedPolicy("chameleon")
	if err != nil {
		return nil, err
	}
	p, err := ParsePolicy(text)
	if err != nil {
		return nil, err
	}
	hide, remove := 12, 18
	keys := foreignfile.Keys{
		hideMonths: foreignfile.Int(&hide, 0), deleteMonths: foreignfile.Int(&remove, 0),
		skipImages: foreignfile.Each(p.skip),
	}
	for _, key := range elsewhere {
		keys[key] = func(*foreignfile.Node) error { return nil }
	}
	if err := top.Map(keys); err != nil {
		return nil, err
	}
	if hide >= remove {
		return nil, top.Errorf("%s is %d, and has to be less than %s, which is %d", hideMonths, hide, deleteMonths, remove)
	}
	p.Stages = []Stage{{months(hide), Hide}, {months(remove), Delete}}
	return p, nil
}

func months(n int) Span {
	return Span{quantity.Span{Months: n}, fmt.Sprintf("%dmo", n)}
}
