package neutron

import (
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// kind is one kind of object of the API.
type kind struct {
	name           string // such as "port"
	exception      string // such as "Port", the first part of its exceptions' names
	list           func(*Service, front.Caller) []map[string]any
	owner          func(*Service, string) string
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

// find returns the body of an object that the caller may see.
func (s *Service) find(k kind, c front.Caller, id string) (map[string]any, error) {
	for _, b := range k.list(s, c) {
		if b["id"] == id {
			return b, nil
		}
	}
	return nil, k.notFound(id)
}

// write serves a changing call: for objects that the caller sees, by members of the owner and admins.
func (s *Service) write(k kind, verb string, do func(*Service, *http.Request, front.Caller) (string, error)) handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		action := verb + "_" + strings.ReplaceAll(k.name, "-", "_")
		if id := r.PathValue("id"); id != "" {
			if _, err := s.find(k, c, id); err != nil {
				return 0, nil, err
			}
			if owner := k.owner(s, id); !c.Is("admin") && owner != c.ProjectID {
				return 0, nil, disallowed(action)
			}
		}
		if !c.Is("admin") && !c.Is("member") {
			return 0, nil, disallowed(action)
		}
		id, err := do(s, r, c)
		if err != nil || verb == "delete" {
			return http.StatusNoContent, nil, err
		}
		body, err := s.find(k, front.Caller{Roles: []string{"admin"}}, id)
		if err != nil {
			return 0, nil, err
		}
		status := http.StatusOK
		if verb == "create" {
			status = http.StatusCreated
		}
		return status, map[string]any{k.name: body}, nil
	}
}
