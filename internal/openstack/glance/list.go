package glance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// Query is a query to the Image service. The zero value lists what the project sees by default: public
// images, its own, and shared ones it accepted, none of them hidden.
type Query struct {
	Name         string // exact
	Owner        string // project id
	Visibility   string // one of the visibilities, or "all", which adds other projects' community images
	MemberStatus string // of images shared with the project: accepted (default), pending, rejected, all
	Status       string
	Hidden       bool // only hidden images
	BothHidden   bool // hidden images and the others; the service needs two requests for it
	Tags         []string
	Properties   map[string]string
	Sort         string // such as "created_at:desc"
}

// pageSize is the most that the service gives in one page by default; its own default is 25.
const pageSize = 1000

// Images lists all images that match, through all pages. Order is the service's: newest first.
func (c *Client) Images(ctx context.Context, q Query) ([]*Image, error) {
	if q.BothHidden {
		return c.bothHidden(ctx, q)
	}
	var found []*Image
	restart := func() { found = nil }
	err := c.EachImage(ctx, q, restart, func(page []*Image) { found = append(found, page...) })
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(found))
	for _, i := range found {
		ids = append(ids, i.ID)
	}
	c.shown.add(ids...)
	return found, nil
}

// EachImage hands over the images that match page by page, in the service's order; with BothHidden, first those
// that aren't hidden. Before it starts, and before it starts over because the list changed while it was read, it
// calls restart, which may be nil.
func (c *Client) EachImage(ctx context.Context, q Query, restart func(), take func([]*Image)) error {
	list := listing.List{Path: "images", Key: "images", Restart: restart}
	for _, hidden := range []bool{false, true} {
		if one := q; q.BothHidden || q.Hidden == hidden {
			one.Hidden = hidden
			list.Queries = append(list.Queries, one.values())
		}
	}
	err := c.shown.certain(ctx, allImages, func() error {
		return listing.Each(ctx, c.sc, list, func(page []*Image) error {
			take(slices.DeleteFunc(page, func(i *Image) bool { return i == nil || !q.exactly(i) }))
			return nil
		})
	})
	if err != nil {
		return failed(err, "listing images")
	}
	return nil
}

// bothHidden requests both lists in parallel.
func (c *Client) bothHidden(ctx context.Context, q Query) ([]*Image, error) {
	q.BothHidden = false
	var found [2][]*Image
	group, ctx := errgroup.WithContext(ctx)
	for n, hidden := range []bool{false, true} {
		group.Go(func() (err error) {
			q := q
			q.Hidden = hidden
			found[n], err = c.Images(ctx, q)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(found[0], found[1]), err
}

func (q Query) values() url.Values {
	v := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for key, value := range map[string]string{
		"name": q.name(), "owner": q.Owner, "visibility": q.Visibility, "member_status": q.MemberStatus,
		"status": q.Status, "sort": q.Sort,
	} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if q.Hidden {
		v.Set("os_hidden", "true")
	}
	for _, t := range q.Tags {
		v.Add("tag", t)
	}
	for key, value := range q.Properties {
		if filters(key, value) {
			v.Set(key, value)
		}
	}
	return v
}

// name is the filter for the name. The service takes text before a colon as an operator and splits at
// commas, unless the name is quoted. Quotes can't be quoted, so a name with both quotes and operators isn't
// used as a filter.
func (q Query) name() string {
	if !strings.ContainsAny(q.Name, ":,") {
		return q.Name
	}
	if strings.ContainsAny(q.Name, `"\`) {
		return ""
	}
	return `in:"` + q.Name + `"`
}

// exactly compares strictly what the service compares loosely: its database ignores case, trailing spaces
// and accents.
func (q Query) exactly(i *Image) bool {
	if q.Name != "" && i.Name != q.Name || q.Owner != "" && i.Owner != q.Owner {
		return false
	}
	return i.hasProperties(q.Properties)
}

// filters reports whether the service filters by the property, or by an attribute given as one. Otherwise
// the comparison is done here.
func filters(key, value string) bool {
	if attributes[key] {
		return slices.Contains([]string{"disk_format", "container_format", "checksum"}, key) && !strings.ContainsAny(value, ":,")
	}
	return !controls[key]
}

// controls are the parameters of a list that filter by something else than a property of that name, or
// don't filter at all.
var controls = map[string]bool{
	"limit": true, "marker": true, "sort": true, "sort_key": true, "sort_dir": true, "member_status": true, "tag": true,
	"visibility": true, "os_hidden": true, "changes-since": true, "is_public": true,
}

// hasProperties compares additional properties. Attributes can be asked for in the same way, and the
// service would read operators into their values.
func (i *Image) hasProperties(want map[string]string) bool {
	for key, value := range want {
		got, ok := i.Properties[key]
		if attributes[key] {
			got, ok = i.attribute(key)
		}
		if !ok || got != value {
			return false
		}
	}
	return true
}

// attribute is an attribute as text.
func (i *Image) attribute(key string) (string, bool) {
	record, err := json.Marshal(i) // without additional properties
	if err != nil {
		return "", false
	}
	var all map[string]any
	decoder := json.NewDecoder(bytes.NewReader(record))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil {
		return "", false
	}
	value, ok := all[key]
	return fmt.Sprint(value), ok
}
