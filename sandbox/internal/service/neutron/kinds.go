package neutron

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// kind is one kind of object of the API.
type kind struct {
	name           string // such as "port"
	exception      string // such as "Port", the first part of its exceptions' names
	list           func(*Service, front.Caller) []map[string]any
	owner          func(*Service, string) string // nil = the body's project_id
	create, update func(*Service, *http.Request, front.Caller) (id string, err error)
	remove         func(*Service, string) error
	tags           func(*Service, string) *[]string
}

// kinds are the kinds by their plurals, as paths have them.
var kinds map[string]kind

func init() {
	kinds = map[string]kind{
		"networks":             networkKind,
		"subnets":              subnetKind,
		"ports":                portKind,
		"floatingips":          floatingKind,
		"security-groups":      groupKind,
		"security-group-rules": ruleKind,
		"routers":              routerKind,
	}
}

// style is how Neutron speaks of its resources.
func (s *Service) style() *resource.Style {
	return &resource.Style{
		Serve: s.serve, Change: http.MethodPut,
		Created: http.StatusCreated, Changed: http.StatusOK, Removed: http.StatusNoContent,
		Sort: "id", MaxPage: s.quotas.MaxPage, Aliases: map[string]string{"tenant_id": "project_id"},
		Missing:   missing,
		Forbidden: forbidden,
		NoTag: func(_ *resource.Kind, tag string) error {
			return answer.FailKind(http.StatusNotFound, "TagNotFound", "Tag %s could not be found.", tag)
		},
		Untagged: func(k *resource.Kind, id string) error {
			return answer.FailKind(http.StatusNotFound, "TagResourceNotFound", "Resource %ss %s could not be found.", k.Name, id)
		},
	}
}

func plural(k *resource.Kind) string { return strings.TrimPrefix(k.Path, "/v2.0/") }

func forbidden(k *resource.Kind, verb string) error {
	if verb == "tag" {
		return disallowed("update_" + k.Name + "_tags")
	}
	return disallowed(verb + "_" + k.Name)
}

// resource is the kind as routes serve it.
func (s *Service) resource(plural string, k kind) *resource.Kind {
	find := func(c front.Caller, id string) (resource.Object, bool) {
		b := k.find(s, c, id)
		if b != nil {
			s.overlay(k, b)
		}
		return object{s, k, b}, b != nil
	}
	return &resource.Kind{
		Name: k.name, Plural: strings.ReplaceAll(plural, "-", "_"), Path: "/v2.0/" + plural, Find: find,
		List: func(c front.Caller, _ url.Values) (all []resource.Object, err error) {
			for _, b := range k.list(s, c) {
				s.overlay(k, b)
				all = append(all, object{s, k, b})
			}
			return all, nil
		},
		Create: func(r *http.Request, c front.Caller) (resource.Object, error) {
			id, err := s.keeping(r, k, func() (string, error) { return k.create(s, r, c) })
			if err != nil {
				return nil, err
			}
			o, _ := find(front.Caller{Roles: []string{"admin"}}, id)
			if made, ok := o.(object); ok && k.name == networkKind.name {
				made.Shown["is_default"] = false // which is only in this answer
			}
			return o, nil
		},
		Update: func(r *http.Request, c front.Caller, _ string) error {
			_, err := s.keeping(r, k, func() (string, error) { return k.update(s, r, c) })
			return err
		},
		Remove: func(r *http.Request, _ front.Caller, id string) error {
			err := s.unchanged(r, k, id)
			if err == nil {
				err = k.remove(s, id)
			}
			if err == nil {
				delete(s.kept, id)
			}
			return err
		},
		Tags: func(id string) *[]string { return k.tags(s, id) },
	}
}

// find is the body of an object that the caller may see, nil for none.
func (k kind) find(s *Service, c front.Caller, id string) resource.Shown {
	for _, b := range k.list(s, c) {
		if b["id"] == id {
			return b
		}
	}
	return nil
}

// sees refuses those who may not see an object.
func (s *Service) sees(k kind, c front.Caller, id string) error {
	if k.find(s, c, id) == nil {
		return k.notFound(id)
	}
	return nil
}

// object is an object that Neutron shows.
type object struct {
	s *Service
	k kind
	resource.Shown
}

// Owner is the project that may change the object.
func (o object) Owner() string {
	if o.k.owner != nil {
		return o.k.owner(o.s, o.ID())
	}
	return o.Shown.Owner()
}

// Field is the body's; fixed IPs compare by their parts.
func (o object) Field(name string) (any, bool) {
	v, ok := o.Shown[name]
	if ips, is := v.([]FixedIP); is {
		return fixedIPs(ips), ok
	}
	return v, ok
}
