package glance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// missing is why the selector finds no image. If an image only fails to match by its visibility, member
// status, status or because it is hidden, missing says so and names the setting that finds it.
func (c *Client) missing(ctx context.Context, s Selector) error {
	near, err := c.near(ctx, s)
	if err != nil || len(near) == 0 {
		return fault.New(fault.NotFound, "check the filter, and that the image is active and visible to this project", "no image with %s",
			s)
	}
	i := near[0]
	why, settings := c.difference(ctx, s, i)
	if len(settings) == 0 {
		return fault.New(fault.NotFound, "check the filter, and that the image is active and visible to this project", "no image with %s",
			s)
	}
	format := strings.TrimSuffix(strings.Repeat("%s and ", len(settings)), " and ")
	advice := fault.Advise("to take it, select it with "+format, settings...)
	return fault.New(fault.NotFound, advice, "no image with %s; image %s is there, but it is %s",
		s, i, strings.Join(why, " and "))
}

// near lists what the selector would find with any visibility and status, newest first.
func (c *Client) near(ctx context.Context, s Selector) ([]*Image, error) {
	var images []*Image
	var err error
	switch {
	case s.ID != "":
		images, err = c.candidates(ctx, s)
	case s.Name != "" || s.NameRegex != nil:
		images, err = c.Images(ctx, Query{
			Name: s.Name, Owner: s.Owner, Visibility: "all", MemberStatus: "all", BothHidden: true, Tags: s.Tags, Properties: s.Properties,
		})
	}
	now := time.Now()
	images = slices.DeleteFunc(images, func(i *Image) bool {
		loose := s
		loose.Visibility, loose.Status, loose.Hidden = "", i.Status, i.Hidden
		return !loose.matches(i, now)
	})
	NewestFirst(images)
	return images, err
}

// difference is why a near image isn't selected, and the settings that select it.
func (c *Client) difference(ctx context.Context, s Selector, i *Image) (why []string, settings []any) {
	add := func(what, name string, value any) {
		why, settings = append(why, what), append(settings, fault.Set(name, value))
	}
	switch {
	case s.Visibility != "" && s.Visibility != "all" && s.Visibility != i.Visibility,
		s.ID == "" && s.Visibility == "" && i.Visibility == Community:
		add(i.Visibility, "visibility", i.Visibility)
	case s.ID == "" && i.Visibility == Shared && s.MemberStatus == "":
		if status := c.unaccepted(ctx, i); status != "" {
			add(fmt.Sprintf("shared with this project, whose status is %s", status), "member_status", status)
		}
	}
	if i.Status != s.status() {
		add(i.Status, "status", i.Status)
	}
	if s.ID == "" && i.Hidden != s.Hidden {
		what := "hidden"
		if s.Hidden {
			what = "not hidden"
		}
		add(what, "hidden", i.Hidden)
	}
	return why, settings
}

// unaccepted is the project's status for a shared image that its list leaves out; "" for any other image.
func (c *Client) unaccepted(ctx context.Context, i *Image) string {
	for _, status := range []string{Pending, Rejected} {
		found, err := c.Images(ctx, Query{Name: i.Name, Visibility: Shared, MemberStatus: status, Hidden: i.Hidden})
		if err == nil && slices.ContainsFunc(found, func(f *Image) bool { return f.ID == i.ID && f.Owner == i.Owner }) {
			own, err := c.Images(ctx, Query{Name: i.Name, Hidden: i.Hidden})
			if err == nil && !slices.ContainsFunc(own, func(f *Image) bool { return f.ID == i.ID }) {
				return status
			}
		}
	}
	return ""
}
