package resource

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// list serves a list: filtered, sorted, paged, with the wanted fields.
func (s *Style) list(k *Kind, detail bool) Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		q := r.URL.Query()
		objects, err := k.List(c, q)
		if err != nil {
			return 0, nil, err
		}
		objects = slices.DeleteFunc(objects, func(o Object) bool { return !s.passes(k, o, q) })
		s.sort(k, objects, q)
		page, more, err := s.page(k, objects, q)
		if err != nil {
			return 0, nil, err
		}
		bodies := []map[string]any{}
		for _, o := range page {
			if !detail && k.Brief != nil {
				bodies = append(bodies, k.Brief(r, o))
				continue
			}
			bodies = append(bodies, wanted(o.Body(r), q["fields"]))
		}
		out := map[string]any{k.Plural: bodies}
		if more {
			q.Set("marker", page[len(page)-1].ID())
			key, link := s.next(r, k, q)
			out[key] = link
		}
		return http.StatusOK, out, nil
	}
}

func (s *Style) next(r *http.Request, k *Kind, q url.Values) (key string, link any) {
	if s.Next != nil {
		return s.Next(r, k, q)
	}
	return k.Plural + "_links", []map[string]any{{"rel": "next", "href": front.Base(r) + r.URL.Path + "?" + q.Encode()}}
}

// wanted leaves the fields that a request names; all if it names none.
func wanted(body map[string]any, fields []string) map[string]any {
	fields = strings.Split(strings.Join(fields, ","), ",")
	if slices.Equal(fields, []string{""}) {
		return body
	}
	body = maps.Clone(body)
	maps.DeleteFunc(body, func(key string, _ any) bool { return !slices.Contains(fields, key) })
	return body
}

// controls are the parameters of a list that are no filters.
var controls = []string{
	"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "fields", "page_reverse", "all_tenants", "global_tenant", "with_count",
}

// passes holds an object against the filters: each has to match with one of its values. What the kind doesn't
// filter by has no effect.
func (s *Style) passes(k *Kind, o Object, q url.Values) bool {
	for key, values := range q {
		if name, ok := s.Aliases[key]; ok {
			key = name
		}
		switch {
		case slices.Contains(controls, key):
			continue
		case key == "tags" || key == "tags-any" || key == "not-tags" || key == "not-tags-any":
			if !tagged(o, key, values) {
				return false
			}
			continue
		case k.Filters != nil && !slices.Contains(k.Filters, key):
			continue
		}
		have, ok := o.Field(key)
		if ok && !slices.ContainsFunc(values, func(v string) bool { return equal(have, v) }) {
			return false
		}
	}
	return true
}

func tagged(o Object, key string, values []string) bool {
	have, _ := o.Field("tags")
	tags, _ := have.([]string)
	asked := strings.Split(strings.Join(values, ","), ",")
	has := func(t string) bool { return slices.Contains(tags, t) }
	lacks := func(t string) bool { return !has(t) }
	switch key {
	case "tags":
		return !slices.ContainsFunc(asked, lacks)
	case "tags-any":
		return slices.ContainsFunc(asked, has)
	case "not-tags":
		return slices.ContainsFunc(asked, lacks)
	}
	return !slices.ContainsFunc(asked, has)
}

// Matcher is a field's value that knows how filters compare with it.
type Matcher interface{ Matches(filter string) bool }

// equal compares a field with a filter's value.
func equal(have any, want string) bool {
	switch h := have.(type) {
	case nil:
		return want == "" || want == "null"
	case Matcher:
		return h.Matches(want)
	case bool:
		return h == (strings.EqualFold(want, "true") || want == "1")
	case string:
		return h == want
	case []string:
		return slices.Contains(h, want)
	}
	return fmt.Sprint(have) == want
}

// sort orders the objects as the request asks, or by the style's default.
func (s *Style) sort(k *Kind, objects []Object, q url.Values) {
	by, direction, _ := strings.Cut(cmp.Or(q.Get("sort"), s.Sort), ":")
	asked := q.Has("sort") || q.Has("sort_key") || q.Has("sort_dir")
	if !asked && k.Ordered {
		return
	}
	if q.Has("sort_key") {
		by, direction = q.Get("sort_key"), "asc"
	}
	direction = cmp.Or(q.Get("sort_dir"), direction)
	slices.SortStableFunc(objects, func(a, b Object) int {
		x, _ := a.Field(by)
		y, _ := b.Field(by)
		n := cmp.Or(compare(x, y), cmp.Compare(a.ID(), b.ID()))
		if direction == "desc" {
			return -n
		}
		return n
	})
}

func compare(a, b any) int {
	x, isInt := a.(int)
	y, both := b.(int)
	if isInt && both {
		return cmp.Compare(x, y)
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// page cuts a list by marker, offset and limit.
func (s *Style) page(k *Kind, objects []Object, q url.Values) (page []Object, more bool, err error) {
	if after := q.Get("marker"); after != "" {
		at := slices.IndexFunc(objects, func(o Object) bool { return o.ID() == after })
		if at < 0 && s.NoMarker != nil {
			return nil, false, s.NoMarker(k, after)
		}
		objects = objects[at+1:]
	}
	if offset, err := strconv.Atoi(q.Get("offset")); err == nil && offset > 0 {
		objects = objects[min(offset, len(objects)):]
	}
	limit, err := strconv.Atoi(q.Get("limit"))
	given := err == nil && limit > 0
	if most := s.MaxPage; most >= 0 && (!given || limit > most) {
		limit = most
	} else if !given {
		limit = len(objects)
	}
	if len(objects) > limit {
		return objects[:limit], true, nil
	}
	return objects, s.Full && given && len(objects) == limit && limit > 0, nil
}
