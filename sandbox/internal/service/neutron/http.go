package neutron

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{Prefix: "/network", Handler: s.routes(), Error: front.NeutronError}
}

// handler serves one call; it runs with the lock held for writing.
type handler func(r *http.Request, c front.Caller) (status int, body any, err error)

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h handler) { mux.Handle(pattern, s.serve(h)) }
	mux.Handle("GET /{$}", http.HandlerFunc(versions))
	mux.Handle("GET /v2.0/{$}", http.HandlerFunc(resources))
	mux.Handle("GET /v2.0", http.HandlerFunc(resources))
	mux.Handle("GET /v2.0/extensions", http.HandlerFunc(extensions))
	for plural, k := range kinds {
		base := "/v2.0/" + plural
		handle("GET "+base, func(r *http.Request, c front.Caller) (int, any, error) {
			return collection(r, plural, k.list(s, c))
		})
		handle("GET "+base+"/{id}", func(r *http.Request, c front.Caller) (int, any, error) {
			body, err := s.find(k, c, r.PathValue("id"))
			return http.StatusOK, map[string]any{k.name: body}, err
		})
		handle("POST "+base, s.write(k, "create", k.create))
		handle("PUT "+base+"/{id}", s.write(k, "update", k.update))
		handle("DELETE "+base+"/{id}", s.write(k, "delete", func(s *Service, r *http.Request, _ front.Caller) (string, error) {
			return "", k.remove(s, r.PathValue("id"))
		}))
		handle("PUT "+base+"/{id}/tags", s.tagging(k, setTags))
		handle("PUT "+base+"/{id}/tags/{tag}", s.tagging(k, addTag))
		handle("DELETE "+base+"/{id}/tags", s.tagging(k, clearTags))
		handle("DELETE "+base+"/{id}/tags/{tag}", s.tagging(k, removeTag))
	}
	handle("PUT /v2.0/routers/{id}/add_router_interface", s.attach)
	handle("PUT /v2.0/routers/{id}/remove_router_interface", s.detach)
	handle("GET /v2.0/quotas/{project}", s.showQuotas)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		front.NeutronError(w, r, http.StatusNotFound, "The resource could not be found.")
	})
	return mux
}

// serve answers with what a handler returns, and tells afterwards which floating IPs have moved.
func (s *Service) serve(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		status, body, err := h(r, front.CallerOf(r))
		moved := s.takeMoved()
		s.mu.Unlock()
		for _, m := range moved {
			s.tell([]string{m.address}, m.server)
		}
		switch {
		case err != nil:
			fail(w, r, err)
		case body == nil:
			w.WriteHeader(status)
		default:
			front.JSON(w, status, body)
		}
	})
}

func fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *front.Problem
	switch {
	case !errors.As(err, &p):
		front.NeutronError(w, r, http.StatusInternalServerError, err.Error())
	case p.Kind == "":
		front.NeutronError(w, r, p.Status, p.Message)
	default:
		front.NeutronFault(w, r, p.Status, p.Kind, p.Message)
	}
}

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

func (k kind) notFound(id string) error {
	words, ok := map[string]string{
		"SecurityGroup":     "Security group %s does not exist",
		"SecurityGroupRule": "Security group rule %s does not exist",
		"FloatingIP":        "Floating IP %s could not be found",
		"Router":            "Router %s could not be found",
	}[k.exception]
	if !ok {
		words = k.exception + " %s could not be found."
	}
	return front.FailKind(http.StatusNotFound, k.exception+"NotFound", words, id)
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

// disallowed refuses an action, or an action's attributes.
func disallowed(action string, attributes ...string) error {
	rule := "rule:" + action
	for _, a := range attributes {
		rule += " and rule:" + action + ":" + a
	}
	if len(attributes) > 0 {
		rule = "(" + rule + ")"
	}
	return front.FailKind(http.StatusForbidden, "PolicyNotAuthorized", "%s is disallowed by policy", rule)
}

// malformed refuses a request that Neutron doesn't understand.
func malformed(format string, args ...any) error {
	return front.FailKind(http.StatusBadRequest, "HTTPBadRequest", format, args...)
}

// reference checks an attribute that has to be the id of something.
func reference(attribute, id string) error {
	if id == "" {
		return malformed("Failed to parse request. Required attribute '%s' not specified", attribute)
	}
	if uuid.Validate(id) != nil {
		return malformed("Invalid input for %s. Reason: '%s' is not a valid UUID.", attribute, id)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func orNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func list[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func versions(w http.ResponseWriter, r *http.Request) {
	front.JSON(w, http.StatusOK, map[string]any{"versions": []map[string]any{{
		"id": "v2.0", "status": "CURRENT", "links": []map[string]any{{"rel": "self", "href": front.Base(r) + "/v2.0/"}},
	}}})
}

func resources(w http.ResponseWriter, r *http.Request) {
	out := []map[string]any{}
	for _, plural := range slices.Sorted(maps.Keys(kinds)) {
		out = append(out, map[string]any{"name": kinds[plural].name, "collection": plural, "links": []map[string]any{
			{"rel": "self", "href": front.Base(r) + "/v2.0/" + plural},
		}})
	}
	front.JSON(w, http.StatusOK, map[string]any{"resources": out})
}

func extensions(w http.ResponseWriter, _ *http.Request) {
	out := []map[string]any{}
	for _, e := range [][2]string{
		{"external-net", "Neutron external network"},
		{"router", "Neutron L3 Router"},
		{"security-group", "security-group"},
		{"quotas", "Quota management support"},
		{"standard-attr-description", "standard-attr-description"},
		{"standard-attr-tag", "Tag support for resources with standard attribute"},
		{"standard-attr-timestamp", "Resource timestamps"},
		{"binding", "Port Binding"},
		{"pagination", "Pagination support"},
		{"sorting", "Sorting support"},
		{"project-id", "project_id field enabled"},
	} {
		out = append(out, map[string]any{"alias": e[0], "name": e[1], "description": e[1], "updated": "2020-01-01T00:00:00-00:00", "links": []any{}})
	}
	front.JSON(w, http.StatusOK, map[string]any{"extensions": out})
}

func (s *Service) showQuotas(r *http.Request, c front.Caller) (int, any, error) {
	if r.PathValue("project") != c.ProjectID && !c.Is("admin") {
		return 0, nil, disallowed("get_quota")
	}
	q := s.quotas
	return http.StatusOK, map[string]any{"quota": map[string]any{
		"network": q.Networks, "subnet": q.Networks, "port": q.Ports, "floatingip": q.FloatingIPs,
		"security_group": q.SecurityGroups, "security_group_rule": 100, "router": 10,
	}}, nil
}
