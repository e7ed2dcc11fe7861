package listing

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// page reads one page, and the query of the next one, which is "" for none.
func page[T any](ctx context.Context, sc *gophercloud.ServiceClient, l List, query string) (items []T, next string, err error) {
	at := sc.ServiceURL(l.Path)
	if query != "" {
		at += "?" + query
	}
	var body map[string]json.RawMessage
	//nolint:bodyclose // gophercloud closes what it decodes
	resp, err := sc.Get(ctx, at, &body, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}, MoreHeaders: l.Headers})
	if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
		return nil, "", cloud.Classify(err)
	}
	raw, ok := body[l.Key]
	if !ok || string(raw) == "null" {
		return nil, "", fmt.Errorf("the service answered without %q", l.Key)
	}
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, "", fmt.Errorf("reading the list of %s: %w", l.Key, err)
	}
	next, err = nextPage(body, l.Key)
	return items, next, err
}

// nextPage is the query of the link to the next page, "" for none. Services write it as "next", as
// "KEY_links" or as "links"; of its address, which proxies get wrong, only the query counts.
func nextPage(page map[string]json.RawMessage, key string) (string, error) {
	link := ""
	_ = json.Unmarshal(page["next"], &link) // Glance's, Ironic's and Magnum's
	for _, name := range []string{key + "_links", "links"} {
		var links []struct{ Rel, Href string }
		if json.Unmarshal(page[name], &links) != nil {
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
