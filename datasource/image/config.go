//go:generate packer-sdc mapstructure-to-hcl2 -type Config,DatasourceOutput
//go:generate packer-sdc struct-markdown

package image

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/common"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Config holds the data source's options.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	cloud.Access        `mapstructure:",squash"`
	Filter              `mapstructure:",squash"`
}

// Set at least one of `id`, `name`, `name_regex`, `owner`, `tags` and `properties`. An image must match
// all options that are set.
type Filter struct {
	// The image's id. This also finds hidden images, and images that are shared with the project but
	// not accepted yet.
	ID string `mapstructure:"id"`
	// The image's exact name.
	Name string `mapstructure:"name"`
	// A regular expression ([RE2](https://github.com/google/re2/wiki/Syntax)) that matches anywhere in
	// the image's name; to match the whole name, anchor it with `^` and `$`.
	NameRegex string `mapstructure:"name_regex"`
	// The id of the project that owns the image, or `self` for the credentials' own project. Always
	// set it with an administrator's credentials, which can see every project's images.
	Owner string `mapstructure:"owner"`
	// `private`, `shared`, `community`, `public` or `all`. The default is what Glance lists by default:
	// public images, the project's own, and those shared with it that it accepted. `all` adds the
	// community images of other projects.
	Visibility string `mapstructure:"visibility"`
	// For images shared by other projects, this project's member status: `accepted` (the default),
	// `pending`, `rejected` or `all`.
	MemberStatus string `mapstructure:"member_status"`
	// Look only among hidden images. Defaults to `false`: only among those that aren't hidden.
	Hidden bool `mapstructure:"hidden"`
	// The image's status. Defaults to `active`.
	Status string `mapstructure:"status"`
	// Tags. The image must have all of them.
	Tags []string `mapstructure:"tags"`
	// Additional properties. The image must have all of them, with exactly these values, such as
	// `{ os_distro = "debian" }`.
	Properties map[string]string `mapstructure:"properties"`
	// The minimum age of the image, such as `48h`, to give new images time to prove themselves.
	MinAge time.Duration `mapstructure:"min_age"`
	// The maximum age of the image, such as `720h`, to fail rather than build on an old image.
	MaxAge time.Duration `mapstructure:"max_age"`
	// The order of the images: keys with `:asc` or `:desc`, separated by commas, such as
	// `name:asc,created_at:desc`. Defaults to `created_at:desc`, newest first.
	Sort string `mapstructure:"sort"`
	// If several images match, take the first in the order of `sort`, by default the newest. Defaults
	// to `false`: if several images match, the error lists them.
	MostRecent bool `mapstructure:"most_recent"`
}

// unknown is what Packer passes for a value that isn't known yet, such as another data source's output
// while a template is validated.
const unknown = cloud.Unknown

var (
	visibilities   = []string{glance.Private, glance.Shared, glance.Community, glance.Public, "all"}
	memberStatuses = []string{"accepted", "pending", "rejected", "all"}
	statuses       = []string{"queued", "saving", "uploading", "importing", "active", "deactivated", "killed", "pending_delete"}
	sortKeys       = []string{
		"id", "name", "status", "owner", "visibility", "disk_format", "container_format", "size", "min_disk",
		"min_ram", "created_at", "updated_at",
	}
)

// prepare checks the filter without asking the cloud.
func (f *Filter) prepare() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if f.ID == "" && f.Name == "" && f.NameRegex == "" && f.Owner == "" && len(f.Tags) == 0 && len(f.Properties) == 0 {
		bad("no image is chosen: set at least one of id, name, name_regex, owner, tags, properties")
	}
	if _, err := f.nameRegex(); err != nil {
		bad("reading name_regex %q: %w", f.NameRegex, err)
	}
	for _, choice := range []struct {
		option, value string
		of            []string
	}{
		{"visibility", f.Visibility, visibilities},
		{"member_status", f.MemberStatus, memberStatuses},
		{"status", f.Status, statuses},
	} {
		if choice.value != "" && choice.value != unknown && !slices.Contains(choice.of, choice.value) {
			bad("reading %s %q: choose one of %s", choice.option, choice.value, strings.Join(choice.of, ", "))
		}
	}
	if err := checkSort(f.Sort); err != nil {
		errs = append(errs, err)
	}
	if f.MinAge < 0 || f.MaxAge < 0 {
		bad("reading min_age and max_age: an age can't be negative")
	}
	if f.MaxAge > 0 && f.MinAge > f.MaxAge {
		bad("reading min_age %s: it is more than max_age %s", f.MinAge, f.MaxAge)
	}
	return errs
}

func checkSort(expression string) error {
	if expression == "" || expression == unknown {
		return nil
	}
	for field := range strings.SplitSeq(expression, ",") {
		key, direction, directed := strings.Cut(field, ":")
		if !slices.Contains(sortKeys, key) {
			return fmt.Errorf("reading sort %q: %q is not a sort key; choose from %s", expression, key, strings.Join(sortKeys, ", "))
		}
		if directed && direction != "asc" && direction != "desc" {
			return fmt.Errorf("reading sort %q: the direction of %q must be asc or desc", expression, key)
		}
	}
	return nil
}

func (f *Filter) nameRegex() (*regexp.Regexp, error) {
	if f.NameRegex == "" || f.NameRegex == unknown {
		return nil, nil
	}
	return regexp.Compile(f.NameRegex)
}

// selector turns the filter into a query to the Image service; self is the id of the credentials'
// project.
func (f *Filter) selector(self string) (glance.Selector, error) {
	name, err := f.nameRegex()
	if err != nil {
		return glance.Selector{}, err
	}
	owner := f.Owner
	if owner == "self" {
		owner = self
	}
	return glance.Selector{
		ID: f.ID, Name: f.Name, NameRegex: name, Owner: owner,
		Visibility: f.Visibility, MemberStatus: f.MemberStatus, Hidden: f.Hidden, Status: f.Status,
		Tags: f.Tags, Properties: f.Properties,
		MinAge: f.MinAge, MaxAge: f.MaxAge, Sort: f.Sort,
	}, nil
}
