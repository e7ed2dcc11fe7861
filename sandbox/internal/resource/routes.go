package resource

import (
	"net/http"
	"regexp"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Mount serves the kind's calls.
func (s *Style) Mount(mux *http.ServeMux, k *Kind) {
	handle := func(pattern string, h Handler) { mux.Handle(pattern, s.Serve(h)) }
	if k.List != nil {
		handle("GET "+k.Path, s.list(k, !s.Detail))
		if s.Detail {
			handle("GET "+k.Path+"/detail", s.list(k, true))
		}
		mux.Handle("GET "+k.Path+"/{id}", s.Show(k))
	}
	if k.Create != nil {
		create := "POST " + k.Path
		if k.Named {
			create = "PUT " + k.Path + "/{id}"
		}
		handle(create, func(r *http.Request, c front.Caller) (int, any, error) {
			if err := s.allow(k, r, c, "create"); err != nil {
				return 0, nil, err
			}
			o, err := k.Create(r, c)
			if err != nil {
				return 0, nil, err
			}
			if k.Begun != nil {
				return s.Created, s.wrap(k, k.Begun(r, o)), nil
			}
			if several, is := o.(batch); is {
				return s.Created, map[string]any{k.Plural: several.bodies(r)}, nil
			}
			return s.Created, s.wrap(k, o.Body(r)), nil
		})
	}
	if k.Update != nil {
		handle(s.Change+" "+k.Path+"/{id}", s.changing(k, "update", func(r *http.Request, c front.Caller, id string) (int, any, error) {
			if err := k.Update(r, c, id); err != nil {
				return 0, nil, err
			}
			o, err := s.find(k, front.Caller{ProjectID: c.ProjectID, Roles: []string{"admin"}}, id)
			if err != nil {
				return 0, nil, err
			}
			return s.Changed, s.wrap(k, o.Body(r)), nil
		}))
	}
	if k.Remove != nil {
		handle("DELETE "+k.Path+"/{id}", s.changing(k, "delete", func(r *http.Request, c front.Caller, id string) (int, any, error) {
			return s.Removed, nil, k.Remove(r, c, id)
		}))
	}
	if k.Tags != nil {
		s.mountTags(handle, k)
	}
}

// Show serves one object, whose id the pattern of the route has.
func (s *Style) Show(k *Kind) http.Handler {
	return s.Serve(func(r *http.Request, c front.Caller) (int, any, error) {
		if err := s.allow(k, r, c, "get"); err != nil {
			return 0, nil, err
		}
		o, err := s.at(k, r, c)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, s.wrap(k, o.Body(r)), nil
	})
}

// allow refuses a call for what it is, and not for its object.
func (s *Style) allow(k *Kind, r *http.Request, c front.Caller, verb string) error {
	switch {
	case s.Allow != nil:
		return s.Allow(k, r, c, verb)
	case verb == "create" && !c.Is("member") && !c.Is("admin"):
		return s.Forbidden(k, verb)
	}
	return nil
}

// owns refuses those who may see an object, and not change it.
func (s *Style) owns(k *Kind, c front.Caller, o Object, verb string) error {
	if s.Allow == nil && !c.Is("admin") && (!c.Is("member") || o.Owner() != c.ProjectID) {
		return s.Forbidden(k, verb)
	}
	return nil
}

// changing serves a call that changes an object: by members of its owner, and administrators.
func (s *Style) changing(k *Kind, verb string, do func(r *http.Request, c front.Caller, id string) (int, any, error)) Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		id := r.PathValue("id")
		if err := s.allow(k, r, c, verb); err != nil {
			return 0, nil, err
		}
		o, err := s.at(k, r, c)
		if err != nil {
			return 0, nil, err
		}
		if err := s.owns(k, c, o, verb); err != nil {
			return 0, nil, err
		}
		return do(r, c, id)
	}
}

// parent is a part of a kind's path that is a field of its objects.
var parent = regexp.MustCompile(`{(\w+)}`)

// above are the fields that the path of a request says.
func (k *Kind) above(r *http.Request) map[string]string {
	fields := map[string]string{}
	for _, m := range parent.FindAllStringSubmatch(k.Path, -1) {
		fields[m[1]] = r.PathValue(m[1])
	}
	return fields
}

// at is the object that the path of a request names, if the caller may see it.
func (s *Style) at(k *Kind, r *http.Request, c front.Caller) (Object, error) {
	o, err := s.find(k, c, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	for field, value := range k.above(r) {
		if have, _ := o.Field(field); !equal(have, value) {
			return nil, s.Missing(k, r.PathValue("id"))
		}
	}
	return o, nil
}

// find is an object that the caller may see.
func (s *Style) find(k *Kind, c front.Caller, id string) (Object, error) {
	if k.Find != nil {
		if o, ok := k.Find(c, id); ok {
			return o, nil
		}
		return nil, s.Missing(k, id)
	}
	all, err := k.List(c, nil)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o.ID() == id {
			return o, nil
		}
	}
	return nil, s.Missing(k, id)
}

func (s *Style) wrap(k *Kind, body map[string]any) any {
	if s.Bare {
		return body
	}
	return map[string]any{k.Name: body}
}
