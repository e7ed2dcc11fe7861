package outbound

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// relink keeps the links to the next page of a list at the address that was asked. Services
// behind a proxy write links as they see themselves: only what is behind the question mark counts
// then. A link that leads somewhere else altogether is Refused.
func (t *Transport) relink(req *http.Request, body []byte) ([]byte, error) {
	if !mayLink(body) {
		return body, nil
	}
	var list map[string]json.RawMessage
	// As gophercloud reads it: what follows the first value doesn't count.
	if json.NewDecoder(bytes.NewReader(body)).Decode(&list) != nil {
		return body, nil //nolint:nilerr // it is no list, or it is broken, which the caller finds out
	}
	changed := false
	for key, value := range list {
		_, glance := list["schema"]
		mended, next, err := mend(req.URL, folded(key), value, glance)
		if err != nil {
			return nil, err
		}
		if next != nil {
			if err := t.pages.step(req, next); err != nil {
				return nil, err
			}
		}
		if mended != nil {
			list[key], changed = mended, true
		}
	}
	if !changed {
		return body, nil
	}
	return json.Marshal(list)
}

// fix finds the link to the next page in one key of a list: Glance's and Ironic's "next", the
// "servers_links" of Nova, Neutron and Cinder, Keystone's "links". fixed is nil if the value
// may stay. Glance writes paths without what a proxy puts before them, which its clients add.
func mend(asked *url.URL, key string, value json.RawMessage, glance bool) (mended json.RawMessage, next *url.URL, err error) {
	switch {
	case key == "next":
		var link string
		if json.Unmarshal(value, &link) != nil || link == "" {
			return nil, nil, nil //nolint:nilerr // it is no link
		}
		next, moved, err := nextPage(asked, link)
		if err != nil || !moved {
			return nil, next, err
		}
		to := next.String()
		if u, err := url.Parse(link); glance && err == nil {
			to = u.RequestURI()
		}
		mended, err = json.Marshal(to)
		return mended, next, err
	case key == "links":
		var links map[string]any
		if json.Unmarshal(value, &links) != nil {
			return nil, nil, nil //nolint:nilerr // they are no links
		}
		return mendIn(asked, links, "next", links)
	case strings.HasSuffix(key, "_links"):
		var links []map[string]any
		if json.Unmarshal(value, &links) != nil {
			return nil, nil, nil //nolint:nilerr // they are no links
		}
		for _, l := range links {
			for key, rel := range l {
				if folded(key) == "rel" && rel == "next" {
					return mendIn(asked, l, "href", links)
				}
			}
		}
	}
	return nil, nil, nil
}

// mendIn fixes the link under the key of one mapping, which is part of all.
func mendIn(asked *url.URL, in map[string]any, key string, all any) (mended json.RawMessage, next *url.URL, err error) {
	changed := false
	for k, value := range in {
		link, _ := value.(string)
		if folded(k) != key || link == "" {
			continue
		}
		to, moved, err := nextPage(asked, link)
		if err != nil {
			return nil, nil, err
		}
		if next = to; moved {
			in[k], changed = to.String(), true
		}
	}
	if !changed {
		return nil, next, nil
	}
	mended, err = json.Marshal(all)
	return mended, next, err
}

// folded is a key as encoding/json compares it with a field's name.
func folded(key string) string {
	return strings.ToLower(strings.NewReplacer("\u017f", "s", "\u212a", "k").Replace(key))
}

// mayLink reports whether there can be a link to a next page in the body, without reading it as
// JSON: lists of servers without one are large.
func mayLink(body []byte) bool {
	if bytes.Contains(body, []byte(`\u`)) {
		return true // any letter may be written so
	}
	for i, b := range body {
		if (b == 'x' || b == 'X') && i >= 2 && i+1 < len(body) && bytes.EqualFold(body[i-2:i+2], []byte("next")) {
			return true
		}
	}
	return false
}

// nextPage is where the next page is, and whether that differs from what the link says.
func nextPage(asked *url.URL, link string) (next *url.URL, moved bool, err error) {
	next, err = asked.Parse(link)
	if err != nil {
		return nil, false, &Refused{From: asked.Redacted(), To: "an unusable address", Why: "its link to the next page is no address"}
	}
	if Origin(next) == Origin(asked) {
		return next, false, nil
	}
	if path.Base(next.Path) != path.Base(asked.Path) || next.RawQuery == "" {
		return nil, false, &Refused{
			From: asked.Redacted(), To: next.Redacted(),
			Why: "it is another server, and not a page of the same list",
		}
	}
	at := *asked
	at.RawQuery, at.Fragment = next.RawQuery, ""
	return &at, true, nil
}
