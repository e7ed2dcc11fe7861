package launch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
)

var (
	domainList  = &collection{service: "identity", path: "domains", key: "domains", one: "domain"}
	projectList = &collection{service: "identity", path: "projects", key: "projects", one: "project"}
	userList    = &collection{service: "identity", path: "users", key: "users", one: "user"}
	roleList    = &collection{service: "identity", path: "roles", key: "roles", one: "role"}
)

var domains = &kind{
	name: "domains", noun: "domain", in: domainList, change: http.MethodPatch, loses: true, find: findDomain,
	fields: []field{{key: "description"}},
	clear: func(ctx context.Context, w *world, o object) error {
		return w.write(ctx, "identity", http.MethodPatch, "domains/"+o.id(), map[string]any{"domain": object{"enabled": false}}, nil,
			func(ctx context.Context) (bool, error) {
				var now map[string]object
				err := w.get(ctx, "identity", "domains/"+o.id(), &now)
				return now["domain"]["enabled"] == false, err
			})
	},
}

var projects = &kind{
	name: "projects", noun: "project", in: projectList, change: http.MethodPatch, loses: true, find: findInDomain,
	fields: []field{{key: "description"}, {key: "domain", attr: "domain_id", refers: "domains", fixed: true}},
}

var users = &kind{
	name: "users", noun: "user", in: userList, change: http.MethodPatch, loses: true, find: findInDomain,
	reads: []*collection{userList, projectList},
	fields: []field{
		{key: "domain", attr: "domain_id", refers: "domains", fixed: true},
		{key: "email"},
		{key: "description"},
		{key: "password", onlyNew: true}, // no service tells it
		{key: "default_project", attr: "default_project_id", refers: "projects"},
	},
}

var roles = &kind{name: "roles", noun: "role", in: roleList, find: findFolded}

var userRoles = &kind{
	name: "user_roles", noun: "grant", judge: judgeGrant, reads: []*collection{userList, projectList, roleList},
}

// findFolded finds by name; Keystone's databases don't tell upper from lower case.
func findFolded(ctx context.Context, w *world, k *kind, r *layout.Resource) ([]object, error) {
	all, err := w.all(ctx, k.in)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o object) bool { return !strings.EqualFold(o.text("name"), r.Name) }), nil
}

// findDomain finds a domain by its name or its id, as the usual one is Default and default.
func findDomain(ctx context.Context, w *world, _ *kind, r *layout.Resource) ([]object, error) {
	if r.Name == w.cloud.Project().DomainID || strings.EqualFold(r.Name, "default") && w.cloud.Project().DomainID == "default" {
		return []object{{"id": w.cloud.Project().DomainID, "name": r.Name, "description": r.Fields.Text("description")}}, nil
	}
	all, err := w.all(ctx, domainList)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o object) bool { return !strings.EqualFold(o.text("name"), r.Name) && o.id() != r.Name }), nil
}

// findInDomain finds a project or user by its name, in its domain if one is given, and else in that of the credentials.
func findInDomain(ctx context.Context, w *world, k *kind, r *layout.Resource) ([]object, error) {
	domain := w.cloud.Project().DomainID
	if name := r.Fields.Text("domain"); name != "" {
		id, err := w.ref(ctx, "domains", name, r)
		if err != nil {
			return nil, err
		}
		if id == "" {
			return nil, nil // its domain is created first
		}
		domain = id
	}
	own := w.cloud.Project()
	if k.name == "projects" && r.Name == own.Name && domain == own.DomainID && r.Fields["description"] == nil {
		return []object{{"id": own.ID, "name": own.Name, "domain_id": own.DomainID}}, nil // no administrator is needed
	}
	all, err := w.all(ctx, k.in)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o object) bool {
		return !strings.EqualFold(o.text("name"), r.Name) || domain != "" && o.text("domain_id") != domain
	}), nil
}

// judgeGrant decides about a user's role in a project or domain.
func judgeGrant(ctx context.Context, w *world, _ *kind, r *layout.Resource) (v verdict, err error) {
	ids := map[string]string{}
	pending := false
	for _, of := range []struct{ kind, key string }{{"roles", "role"}, {"users", "user"}, {"projects", "project"}, {"domains", "domain"}} {
		name := r.Fields.Text(of.key)
		if name == "" || of.key == "domain" && r.Fields.Text("project") != "" {
			continue
		}
		by := *r
		if of.key == "domain" {
			by.Fields = layout.Fields{}
		}
		id, err := w.ref(ctx, of.kind, name, &by)
		if r.Absent && fault.Is(err, fault.NotFound) {
			return verdict{action: Same, reason: "it isn't there"}, nil
		}
		if err != nil {
			return v, err
		}
		ids[of.key], pending = id, pending || id == ""
	}
	on := "projects/" + ids["project"]
	if r.Fields.Text("project") == "" {
		on = "domains/" + ids["domain"]
	}
	path := fmt.Sprintf("%s/users/%s/roles/%s", on, url.PathEscape(ids["user"]), url.PathEscape(ids["role"]))
	granted := func(ctx context.Context) (bool, error) {
		var answer struct{ Roles []object }
		err := w.get(ctx, "identity", on+"/users/"+url.PathEscape(ids["user"])+"/roles", &answer)
		return slices.ContainsFunc(answer.Roles, func(o object) bool { return o.id() == ids["role"] }), err
	}
	has := false
	if !pending {
		if has, err = granted(ctx); err != nil {
			return v, err
		}
	}
	switch {
	case has && !r.Absent:
		return verdict{action: Same}, nil
	case !has && r.Absent:
		return verdict{action: Same, reason: "it isn't there"}, nil
	case r.Absent:
		return verdict{action: Absent, do: func(ctx context.Context) (string, error) {
			return "", w.write(ctx, "identity", http.MethodDelete, path, nil, nil, func(ctx context.Context) (bool, error) {
				still, err := granted(ctx)
				return !still && err == nil, err
			})
		}}, nil
	}
	return verdict{action: Create, reason: "it isn't granted", do: func(ctx context.Context) (string, error) {
		return "", w.write(ctx, "identity", http.MethodPut, path, nil, nil, granted)
	}}, nil
}
