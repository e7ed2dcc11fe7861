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

// Config is the data source's options.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	cloud.Access        `mapstructure:",squash"`
	Filter              `mapstructure:",squash"`
}

// At least one of `id`, `name`, `name_regex`, `owner`, `tags` and `properties` says which image
// is meant. An image has to match all that is given.
type Filter struct {
	// The image's id. The image is read directly, so a hidden one is found too, and so is one
	// that was shared with the project but not accepted yet.
	ID string `mapstructure:"id"`
	// The image's exact name.
	Name string `mapstructure:"name"`
	// A regular expression ([RE2](https://github.com/google/re2/wiki/Syntax)) that matches
	// somewhere in the image's name; anchor it with `^` and `$` to match all of it.
	NameRegex string `mapstructure:"name_regex"`
	// The id of the project that owns the image, or `self` for the project that the
	// credentials belong to. Always say it with admin credentials: an admin sees every
	// project's images.
	Owner string `mapstructure:"owner"`
	// `private`, `shared`, `community`, `public`, or `all`, which adds other projects'
	// community images to what is listed by default: public images, the project's own, and
	// those shared with it that it accepted.
	Visibility string `mapstructure:"visibility"`
	// For images that other projects share with this one: the status the share has to have,
	// `accepted` (the default), `pending`, `rejected` or `all`.
	MemberStatus string `mapstructure:"member_status"`
	// Look for hidden images, and only for those. The default is `false`.
	Hidden bool `mapstructure:"hidden"`
	// The image's status, `active` by default.
	Status string `mapstructure:"status"`
	// Tags that the image has, all of them.
	Tags []string `mapstructure:"tags"`
	// Additional properties that the image has with exactly these values, such as
	// `{ os_distro = "debian" }`.
	Properties map[string]string `mapstructure:"properties"`
	// How long ago the image was created at least, such as `48h`: leave a new image time to
	// prove itself.
	MinAge time.Duration `mapstructure:"min_age"`
	// How long ago the image was created at most, such as `720h`: fail rather than build on an
	// old image.
	MaxAge time.Duration `mapstructure:"max_age"`
	// The order of the images: keys with `:asc` or `:desc`, separated by commas, such as
	// `name:asc,created_at:desc`. The default is `created_at:desc`, newest first.
	Sort string `mapstructure:"sort"`
	// Of several images take the first in the order of `sort`, which is the newest unless
	// `sort` says otherwise. The default is `false`: several images are an error that lists
	// them.
	MostRecent bool `mapstructure:"most_recent"`
}

// unknown is what Packer gives for a value that isn't known yet, such as another data source's
// output while a template is validated.
const unknown = cloud.Unknown

var (
	visibilities   = []string{glance.Private, glance.Shared, glance.Community, glance.Public, "all"}
	memberStatuses = []string{"accepted", "pending", "rejected", "all"}
	statuses       = []string{"queued", "saving", "uploading", "importing", "active", "deactivated", "killed", "pending_delete"}
	sortKeys       = []string{"id", "name", "status", "owner", "visibility", "disk_format", "container_format", "size", "min_disk", "min_ram", "created_at", "updated_at"}
)

// prepare finds what is wrong with the filter without asking the cloud.
func (f *Filter) prepare() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if f.ID == "" && f.Name == "" && f.NameRegex == "" && f.Owner == "" && len(f.Tags) == 0 && len(f.Properties) == 0 {
		bad("saying which image: set at least one of id, name, name_regex, owner, tags, properties")
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
		bad("reading min_age %s: no image is that old and at most max_age %s", f.MinAge, f.MaxAge)
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
			return fmt.Errorf("reading sort %q: %q is no key to sort by; choose from %s", expression, key, strings.Join(sortKeys, ", "))
		}
		if directed && direction != "asc" && direction != "desc" {
			return fmt.Errorf("reading sort %q: the direction of %q is asc or desc", expression, key)
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

// selector is the filter as the Image service's client takes it; self is the id of the
// credentials' project.
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
