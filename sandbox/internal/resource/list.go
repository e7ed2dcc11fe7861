package resource

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// list serves a list: filtered, sorted, paged, with the wanted fields.
func (s *Style) list(k *Kind, detail bool) Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		if err := s.allow(k, r, c, "list"); err != nil {
			return 0, nil, err
		}
		q := r.URL.Query()
		for field, value := range k.above(r) {
			q.Set(field, value)
		}
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
		if s.Listed != nil {
			s.Listed(r, out)
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
