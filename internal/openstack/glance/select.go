package glance

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Selector chooses images; an image must match every field that is set.
type Selector struct {
	ID         string
	Name       string // exact
	NameRegex  *regexp.Regexp
	Owner      string // project id
	Visibility string // one of the visibilities; "" is what the project sees by default, "all" adds other projects' community images

	// MemberStatus is the status that images shared with the project must have:
	// accepted (default), pending, rejected or all.
	MemberStatus string

	// Hidden selects only among hidden images.
	Hidden bool

	// Status of the images, "" for active ones.
	Status     string
	Tags       []string
	Properties map[string]string

	// MinAge and MaxAge bound the time since the image was created; 0 is no bound.
	MinAge, MaxAge time.Duration

	// Sort is the service's sort expression, such as "created_at:desc" or "name:asc,size:desc".
	Sort string
}

// Select lists the images that match, newest first unless Sort is set.
func (c *Client) Select(ctx context.Context, s Selector) ([]*Image, error) {
	images, err := c.candidates(ctx, s)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	images = slices.DeleteFunc(images, func(i *Image) bool { return !s.matches(i, now) })
	if s.Sort == "" {
		NewestFirst(images)
	}
	return images, nil
}

// candidates lets the service filter as far as it can. An id is read directly, because lists leave out hidden
// images and shares that weren't accepted.
func (c *Client) candidates(ctx context.Context, s Selector) ([]*Image, error) {
	if s.ID != "" {
		img, err := c.Image(ctx, s.ID)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []*Image{img}, nil
	}
	return c.Images(ctx, Query{
		Name: s.Name, Owner: s.Owner, Visibility: s.Visibility, MemberStatus: s.MemberStatus,
		Status: s.status(), Hidden: s.Hidden, Tags: s.Tags, Properties: s.Properties, Sort: s.Sort,
	})
}

func (s Selector) status() string {
	if s.Status == "" {
		return StatusActive
	}
	return s.Status
}

func (s Selector) matches(i *Image, now time.Time) bool {
	age := now.Sub(i.CreatedAt)
	switch {
	case s.Name != "" && i.Name != s.Name,
		s.NameRegex != nil && !s.NameRegex.MatchString(i.Name),
		s.Owner != "" && i.Owner != s.Owner,
		s.Visibility != "" && s.Visibility != "all" && i.Visibility != s.Visibility,
		i.Status != s.status(),
		s.ID == "" && i.Hidden != s.Hidden,
		s.MinAge > 0 && age < s.MinAge,
		s.MaxAge > 0 && age > s.MaxAge:
		return false
	}
	for _, t := range s.Tags {
		if !slices.Contains(i.Tags, t) {
			return false
		}
	}
	return i.hasProperties(s.Properties)
}

// One is the only image that the selector means. None is fault.NotFound; several are
// fault.Ambiguous with a list of them, unless first is true: then it is the first of them.
func (c *Client) One(ctx context.Context, s Selector, first bool) (*Image, error) {
	images, err := c.Select(ctx, s)
	if err != nil {
		return nil, err
	}
	switch {
	case len(images) == 0:
		return nil, c.missing(ctx, s)
	case first:
		return images[0], nil
	}
	return Only(images, fmt.Sprintf("with %s", s),
		fault.Advise("check the filter, and that the image is active and visible to this project"),
		fault.Advise("narrow the filter, or choose the newest with %s", fault.Set("most_recent", true)))
}

// Named is the id of the image that a person means: by its id, or by the exact name of one image of
// the owner, hidden ones included.
func (c *Client) Named(ctx context.Context, owner, image string) (string, error) {
	if IsID(image) {
		return image, nil
	}
	found, err := c.Images(ctx, Query{Owner: owner, Name: image, BothHidden: true})
	if err != nil {
		return "", err
	}
	NewestFirst(found)
	img, err := Only(found, fmt.Sprintf("%q in project %s", image, owner),
		fault.Advise("check the name, and whose project it is in"), fault.Advise("give the id of one"))
	if err != nil {
		return "", err
	}
	return img.ID, nil
}

// Only is the one image that was found. None is fault.NotFound, several are fault.Ambiguous with a
// list of them; what was looked for completes "no image ...", and none and several advise.
func Only(found []*Image, what string, none, several fault.Advice) (*Image, error) {
	switch len(found) {
	case 0:
		return nil, fault.New(fault.NotFound, none, "no image %s", what)
	case 1:
		return found[0], nil
	}
	return nil, fault.New(fault.Ambiguous, several, "%d images %s:\n%s", len(found), what, List(found))
}

// Glob is a shell pattern over a whole text: * is any characters, ? is one.
func Glob(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^(?s:" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + ")$")
}

// IsID reports whether a text has the form of an image's id.
func IsID(text string) bool { return len(text) == 36 && uuid.Validate(text) == nil }

// List shows images for people, a line each, at most twenty.
func List(images []*Image) string {
	var b strings.Builder
	for n, i := range images {
		if n == 20 {
			fmt.Fprintf(&b, "  … and %d more\n", len(images)-n)
			break
		}
		fmt.Fprintf(&b, "  %s  created %s  %d bytes  %s  %s  owner %s\n", i.ID, i.CreatedAt.UTC().Format(time.RFC3339), i.Size,
			i.Visibility, i.Name, i.Owner)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// String describes the selector, such as `name "web-base", visibility shared`.
func (s Selector) String() string {
	var parts []string
	add := func(label, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf("%s %q", label, value))
		}
	}
	add("id", s.ID)
	add("name", s.Name)
	if s.NameRegex != nil {
		add("name like", s.NameRegex.String())
	}
	add("owner", s.Owner)
	add("visibility", s.Visibility)
	add("member status", s.MemberStatus)
	add("status", s.status())
	for _, t := range s.Tags {
		add("tag", t)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Properties)) {
		add("property "+k, s.Properties[k])
	}
	if s.Hidden {
		parts = append(parts, "hidden")
	}
	if s.MinAge > 0 {
		parts = append(parts, fmt.Sprintf("at least %s old", s.MinAge))
	}
	if s.MaxAge > 0 {
		parts = append(parts, fmt.Sprintf("at most %s old", s.MaxAge))
	}
	return strings.Join(parts, ", ")
}
