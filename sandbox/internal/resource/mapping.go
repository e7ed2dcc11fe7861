package resource

import (
	"maps"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// MountMapping serves a field of a table's objects that is a mapping below a path of its own, such as the extra specs
// of types: as a whole, and key by key. removed is the status of a key's removal.
func (s *Style) MountMapping(mux *http.ServeMux, t *Table, path, field string, removed int) {
	k := &t.Kind
	at := k.Path + "/{id}/" + path
	values := func(id string) map[string]string {
		m, _ := t.byID[id].Values[field].(map[string]string)
		return m
	}
	given := func(r *http.Request) (map[string]string, error) {
		var q map[string]any
		if answer.Decode(r, &q) != nil {
			return nil, t.Refuse.Malformed()
		}
		if inner, ok := q[field].(map[string]any); ok {
			q = inner
		}
		m := map[string]string{}
		for key, v := range q {
			text, ok := v.(string)
			if !ok {
				return nil, t.Refuse.Invalid(k, field, v)
			}
			m[key] = text
		}
		return m, nil
	}
	merge := func(r *http.Request, id string) (map[string]string, error) {
		more, err := given(r)
		if err != nil {
			return nil, err
		}
		all := maps.Clone(values(id))
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, more)
		t.byID[id].Set(field, all)
		return more, nil
	}
	reading := func(do func(r *http.Request, m map[string]string) (any, error)) http.Handler {
		return s.Serve(func(r *http.Request, c front.Caller) (int, any, error) {
			if err := s.allow(k, r, c, "get"); err != nil {
				return 0, nil, err
			}
			o, err := s.at(k, r, c)
			if err != nil {
				return 0, nil, err
			}
			body, err := do(r, values(o.ID()))
			return http.StatusOK, body, err
		})
	}
	mux.Handle("GET "+at, reading(func(_ *http.Request, m map[string]string) (any, error) { return map[string]any{field: m}, nil }))
	mux.Handle("GET "+at+"/{key}", reading(func(r *http.Request, m map[string]string) (any, error) {
		key := r.PathValue("key")
		if v, ok := m[key]; ok {
			return map[string]any{key: v}, nil
		}
		return nil, s.Missing(k, key)
	}))
	mux.Handle("POST "+at, s.Serve(s.changing(k, "update", func(r *http.Request, _ front.Caller, id string) (int, any, error) {
		more, err := merge(r, id)
		return http.StatusOK, map[string]any{field: more}, err
	})))
	mux.Handle("PUT "+at+"/{key}", s.Serve(s.changing(k, "update", func(r *http.Request, _ front.Caller, id string) (int, any, error) {
		more, err := merge(r, id)
		return http.StatusOK, more, err
	})))
	mux.Handle("DELETE "+at+"/{key}", s.Serve(s.changing(k, "update", func(r *http.Request, _ front.Caller, id string) (int, any, error) {
		all := maps.Clone(values(id))
		if _, ok := all[r.PathValue("key")]; !ok {
			return 0, nil, s.Missing(k, r.PathValue("key"))
		}
		delete(all, r.PathValue("key"))
		t.byID[id].Set(field, all)
		return removed, nil, nil
	})))
}
