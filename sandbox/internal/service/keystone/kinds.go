package keystone

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// style is how Keystone speaks of its resources.
func (s *Service) style() *resource.Style {
	return &resource.Style{
		Serve: s.serve, Change: http.MethodPatch, Created: http.StatusCreated, Changed: http.StatusOK, Removed: http.StatusNoContent,
		Sort: "name", MaxPage: -1, Allow: s.allow, Missing: missing, Untagged: missing,
		Listed: func(r *http.Request, answer map[string]any) { answer["links"] = links(r) },
		NoTag:  func(_ *resource.Kind, tag string) error { return notFound("project tag", tag) },
	}
}

func (s *Service) serve(h resource.Handler) http.Handler {
	return answer.Handler(refuse, func(w http.ResponseWriter, r *http.Request) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		status, body, err := h(r, front.CallerOf(r))
		switch {
		case err != nil:
			return err
		case body == nil:
			w.WriteHeader(status)
		default:
			answer.JSON(w, status, body)
		}
		return nil
	})
}

// everyones are the kinds that all read.
var everyones = []string{"region", "limit", "registered_limit"}

// allow has administrators do everything, all read some kinds, and users read what is about themselves.
func (s *Service) allow(k *resource.Kind, r *http.Request, c front.Caller, verb string) error {
	id := r.PathValue("id")
	own := map[string]string{"user": c.UserID, "project": c.ProjectID, "domain": c.DomainID}[k.Name]
	switch {
	case c.Is(RoleAdmin), c.UserID != "" && r.PathValue("user_id") == c.UserID,
		verb == "get" && own != "" && own == id, slices.Contains(everyones, k.Name) && (verb == "get" || verb == "list"):
		return nil
	case k.Name == "credential":
		return s.allowCredential(c, verb, id)
	}
	name := k.Name
	switch verb {
	case "list":
		name = k.Plural
	case "tag":
		name += "_tags"
		verb = "update"
	}
	return notAllowed(verb + "_" + name)
}

func missing(k *resource.Kind, id string) error {
	return notFound(strings.ReplaceAll(k.Name, "_", " "), id)
}

func notFound(what, id string) error {
	return answer.Fail(http.StatusNotFound, "Could not find %s: %s.", what, id)
}

// duplicate refuses an object whose name is taken.
func duplicate(what, name string) error {
	return answer.Fail(http.StatusConflict, "Conflict occurred attempting to store %s - Duplicate entry found with name %s.", what, name)
}

var refusals = resource.Refusals{
	Malformed: func() error { return expecting("valid JSON in request body") },
	Lacks: func(_ *resource.Kind, field string) error {
		return answer.Fail(http.StatusBadRequest, "Invalid input for field '%s': '%s' is a required property", field, field)
	},
	Invalid: func(_ *resource.Kind, field string, v any) error {
		return answer.Fail(http.StatusBadRequest, "Invalid input for field '%s': %v has the wrong type", field, v)
	},
}

// Shorthands for fields that requests may name.
func text(name string) resource.Field { return resource.Field{Name: name, Create: true, Update: true} }

func nullText(name string) resource.Field {
	return resource.Field{Name: name, Create: true, Update: true, Null: true}
}

func required(name string) resource.Field {
	return resource.Field{Name: name, Required: true, Update: true}
}

func flag(name string, def bool) resource.Field {
	return resource.Field{Name: name, Type: resource.Flag, Default: def, Create: true, Update: true}
}

// table declares a kind whose objects administrators create.
func (s *Service) table(name, plural string, fields ...resource.Field) *resource.Table {
	return &resource.Table{
		Kind: resource.Kind{Name: name, Plural: plural, Path: "/v3/" + plural}, Fields: fields, Refuse: refusals,
		Extra: true, NewID: newID, Oldest: true,
		Now: s.clock.Now, Stamp: func(t time.Time) any { return stamp(t) },
		Everyones: func(front.Caller, url.Values) (bool, error) { return true, nil },
		Sees:      func(front.Caller, *resource.Row) bool { return true },
		Shape: func(r *http.Request, row *resource.Row, body map[string]any) {
			body["links"] = self(r, plural, row.ID())
		},
	}
}

// declare makes the tables of all kinds.
func (s *Service) declare() {
	options := resource.Field{Name: "options", Type: resource.Any, Default: map[string]any{}, Create: true, Update: true}
	tags := resource.Field{Name: "tags", Type: resource.Texts, Create: true, Update: true}
	s.domains = s.table("domain", "domains", required("name"), text("description"), flag("enabled", true), options, tags)
	s.domains.Check, s.domains.Going = s.checkDomain, s.endDomain
	s.projects = s.table("project", "projects", required("name"), nullText("domain_id"), nullText("parent_id"), text("description"),
		flag("enabled", true), flag("is_domain", false), options, tags)
	s.projects.Check, s.projects.Going, s.projects.Changing = s.checkProject, s.endProject, s.changeProject
	s.projects.Tagged, s.projects.Shape = true, s.shapeProject
	s.users = s.table("user", "users", required("name"), text("domain_id"), text("default_project_id"), flag("enabled", true),
		options, resource.Field{Name: "password", Create: true, Update: true, Hidden: true},
		resource.Field{Name: "password_expires_at", Null: true})
	s.users.Check, s.users.Going = s.checkUser, s.endUser
	s.users.Shape = func(r *http.Request, row *resource.Row, body map[string]any) {
		body["links"] = self(r, "users", row.ID())
		if body["default_project_id"] == "" {
			delete(body, "default_project_id")
		}
	}
	s.groups = s.table("group", "groups", required("name"), text("domain_id"), text("description"))
	s.groups.Check, s.groups.Going = s.checkGroup, s.endGroup
	s.roles = s.table("role", "roles", required("name"), nullText("domain_id"), nullText("description"), options)
	s.roles.Check, s.roles.Going, s.roles.Changing = s.checkRole, s.endRole, changeRole
	s.regions = s.table("region", "regions", resource.Field{Name: "id", Create: true}, text("description"), nullText("parent_region_id"))
	s.services = s.table("service", "services", required("type"), text("name"), flag("enabled", true))
	s.services.Going = s.endService
	s.endpoints = s.table("endpoint", "endpoints", required("service_id"), required("interface"), required("url"), text("region_id"),
		text("region"), flag("enabled", true))
	s.endpoints.Check, s.endpoints.Shape = s.checkEndpoint, s.shapeEndpoint
	fixed := func(name string) resource.Field { return resource.Field{Name: name, Create: true} }
	s.credentials = s.table("credential", "credentials", resource.Field{Name: "type", Required: true}, required("blob"), fixed("user_id"),
		nullText("project_id"))
	s.credentials.Refuse.Fixed = func(_ *resource.Kind, field string) error {
		return answer.Fail(http.StatusBadRequest, "Additional properties are not allowed ('%s' was unexpected)", field)
	}
	s.credentials.Check, s.credentials.Sees = s.checkCredential, s.seesCredential
	s.ec2 = s.table("credential", "credentials", resource.Field{Name: "user_id"}, text("tenant_id"), resource.Field{Name: "secret"})
	s.ec2.Path, s.ec2.Bare, s.ec2.Check, s.ec2.Shape = "/v3/users/{user_id}/credentials/OS-EC2", true, checkEC2, shapeEC2
	s.rules = s.table("access_rule", "access_rules", resource.Field{Name: "user_id"}, resource.Field{Name: "path"},
		resource.Field{Name: "service"}, resource.Field{Name: "method"})
	s.rules.Path, s.rules.Going = "/v3/users/{user_id}/access_rules", s.endRule
	s.rules.Shape = func(_ *http.Request, _ *resource.Row, body map[string]any) { delete(body, "user_id") }
	s.rules.Remove = func(_ *http.Request, _ front.Caller, id string) error { return s.rules.Delete(id) }
	whole := func(name string) resource.Field {
		return resource.Field{Name: name, Type: resource.Whole, Create: true, Update: true}
	}
	s.registered = s.table("registered_limit", "registered_limits", required("service_id"), required("resource_name"),
		whole("default_limit"), nullText("region_id"), nullText("description"))
	s.limits = s.table("limit", "limits", required("service_id"), required("resource_name"), whole("resource_limit"),
		nullText("project_id"), nullText("domain_id"), nullText("region_id"), nullText("description"))
	s.registered.Batch, s.limits.Batch = true, true
	s.registered.Check, s.registered.Going, s.limits.Check = s.checkRegistered, s.endRegistered, s.checkLimit
	s.policies = s.table("policy", "policies", required("type"), required("blob"))
	s.declareFederation()
	s.declareTrusts()
	for _, t := range s.tables() {
		t.Open()
	}
	list := s.projects.List
	s.projects.List = func(c front.Caller, q url.Values) ([]resource.Object, error) {
		all, err := list(c, q)
		if !q.Has("is_domain") {
			all = slices.DeleteFunc(all, func(o resource.Object) bool { is, _ := o.Field("is_domain"); return is == true })
		}
		return all, err
	}
}

func (s *Service) tables() []*resource.Table {
	return []*resource.Table{
		s.domains, s.projects, s.users, s.groups, s.roles, s.regions, s.services, s.endpoints, s.credentials, s.policies,
		s.ec2, s.rules, s.registered, s.limits, s.providers, s.mappings, s.protocols, s.partners, s.consumers, s.trusts,
		s.endpointGroups,
	}
}

// named finds an object by its name in a domain; a domain's name is compared without case.
func named(t *resource.Table, name, domain string) *resource.Row {
	for _, row := range t.Rows() {
		same := row.Text("name") == name || t.Name == "domain" && strings.EqualFold(row.Text("name"), name)
		if same && row.Text("domain_id") == domain {
			return row
		}
	}
	return nil
}
