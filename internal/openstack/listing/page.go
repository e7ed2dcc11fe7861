package listing

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// page reads one page, and the query of the next one, which is "" for none.
func page[T any](ctx context.Context, sc *gophercloud.ServiceClient, l List, query string) (items []T, next string, err error) {
	at := sc.ServiceURL(l.Path)
	if query != "" {
		at += "?" + query
	}
	resp, err := sc.Get(ctx, at, nil, &gophercloud.RequestOpts{
		OkCodes: []int{http.StatusOK}, MoreHeaders: l.Headers, KeepResponseBody: true,
	})
	if err != nil {
		return nil, "", cloud.Classify(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, "", cloud.Classify(err)
	}
	body := newBody[T](l.Key, cmp.Or(l.Links, l.Key+"_links"))
	if err := json.Unmarshal(data, body.Interface()); err != nil {
		return nil, "", fmt.Errorf("reading the list of %s: %w", l.Key, err)
	}
	list := body.Elem().FieldByName("Items").Interface().(*[]T)
	if list == nil {
		return nil, "", fmt.Errorf("the service answered without %q", l.Key)
	}
	next, err = nextPage(body.Elem(), l.Key)
	return *list, next, err
}

// newBody is what a page of a list is decoded into: the items, and the links in all their forms. The items' key is
// known only here, and lists are large: this reads them once.
func newBody[T any](key, links string) reflect.Value {
	raw := reflect.TypeFor[json.RawMessage]()
	tag := func(name string) reflect.StructTag { return reflect.StructTag(`json:"` + name + `"`) }
	return reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: "Items", Type: reflect.TypeFor[*[]T](), Tag: tag(key)},
		{Name: "Next", Type: raw, Tag: tag("next")},
		{Name: "Links", Type: raw, Tag: tag("links")},
		{Name: "KeyLinks", Type: raw, Tag: tag(links)},
	}))
}

// nextPage is the query of the link to the next page, "" for none. Services write it as "next", as
// "KEY_links" or as "links"; of its address, which proxies get wrong, only the query counts.
func nextPage(page reflect.Value, key string) (string, error) {
	link := ""
	raw := func(field string) json.RawMessage { return page.FieldByName(field).Interface().(json.RawMessage) }
	_ = json.Unmarshal(raw("Next"), &link) // Glance's, Ironic's and Magnum's
	for _, name := range []string{"KeyLinks", "Links"} {
		var links []struct{ Rel, Href string }
		if json.Unmarshal(raw(name), &links) != nil {
			continue
		}
		for _, l := range links {
			if l.Rel == "next" {
				link = l.Href
			}
		}
	}
	if link == "" {
		return "", nil
	}
	u, err := url.Parse(link)
	if err != nil || u.RawQuery == "" {
		return "", fmt.Errorf("the link to the next page of %s is %q, which is no page", key, link)
	}
	return u.RawQuery, nil
}
