package glance

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

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

// One is the only image that matches. None is fault.NotFound; several are fault.Ambiguous with a list, unless
// first is true: then One is the first of them.
func (c *Client) One(ctx context.Context, s Selector, first bool) (*Image, error) {
	images, err := c.Select(ctx, s)
	switch {
	case err != nil:
		return nil, err
	case len(images) == 0:
		return nil, c.missing(ctx, s)
	case len(images) > 1 && !first:
		return nil, fault.New(fault.Ambiguous, fault.Advise("narrow the filter, or choose the newest with %s", fault.Set("most_recent", true)),
			"%d images with %s:\n%s", len(images), s, List(images))
	}
	return images[0], nil
}

// List shows images for people, a line each, at most twenty.
func List(images []*Image) string {
	var b strings.Builder
	for n, i := range images {
		if n == 20 {
			fmt.Fprintf(&b, "  … and %d more\n", len(images)-n)
			break
		}
		fmt.Fprintf(&b, "  %s  %s  %s  %s  owner %s\n", i.ID, i.CreatedAt.UTC().Format(time.RFC3339), i.Visibility, i.Name, i.Owner)
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
