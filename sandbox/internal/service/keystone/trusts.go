package keystone

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// declareTrusts makes the table of trusts: roles that a user lends another one. They are kept, and nobody signs in with one.
func (s *Service) declareTrusts() {
	s.trusts = s.table("trust", "trusts", required("trustor_user_id"), required("trustee_user_id"), nullText("project_id"),
		nullText("expires_at"), nullText("deleted_at"), flag("impersonation", false),
		resource.Field{Name: "roles", Type: resource.Any, Create: true},
		resource.Field{Name: "remaining_uses", Type: resource.Any, Create: true},
		resource.Field{Name: "redelegation_count", Type: resource.Whole, Create: true},
		resource.Field{Name: "allow_redelegation", Type: resource.Flag, Create: true, Hidden: true})
	s.trusts.Path, s.trusts.Extra = "/v3/OS-TRUST/trusts", false
	s.trusts.Update = func(*http.Request, front.Caller, string) error {
		return answer.Fail(http.StatusMethodNotAllowed, "The method is not allowed for the requested URL.")
	}
	s.trusts.Sees = func(c front.Caller, row *resource.Row) bool {
		return c.Is(RoleAdmin) || row.Text("trustor_user_id") == c.UserID || row.Text("trustee_user_id") == c.UserID
	}
	s.trusts.Check = s.checkTrust
	s.trusts.Shape = func(r *http.Request, row *resource.Row, body map[string]any) {
		body["links"] = self(r, "OS-TRUST/trusts", row.ID())
		if at, err := parseTime(row.Text("expires_at")); err == nil {
			body["expires_at"] = stamp(at)
		}
		if r.Method == http.MethodGet && r.PathValue("id") == "" { // a list is brief
			delete(body, "roles")
			return
		}
		body["roles"], body["redelegated_trust_id"] = s.rolesOfTrust(r, row), nil
		links := links(r)
		links["self"] = self(r, "OS-TRUST/trusts", row.ID()+"/roles")["self"]
		body["roles_links"] = links
	}
}

// checkTrust has users lend only their own roles.
func (s *Service) checkTrust(_ *http.Request, c front.Caller, row *resource.Row) error {
	if row.Text("trustor_user_id") != c.UserID {
		return answer.Fail(http.StatusForbidden, "The authenticated user should match the trustor.")
	}
	if s.users.Row(row.Text("trustee_user_id")) == nil {
		return notFound("user", row.Text("trustee_user_id"))
	}
	asked, _ := row.Values["roles"].([]any)
	var ids []string
	for _, one := range asked {
		want, _ := one.(map[string]any)
		role := s.roles.Row(asText(want["id"]))
		if role == nil {
			role = s.roleByName(asText(want["name"]))
		}
		if role == nil {
			return notFound("role", asText(want["id"])+asText(want["name"]))
		}
		ids = append(ids, role.ID())
	}
	row.Values["roles"] = ids
	return nil
}

func asText(v any) string { text, _ := v.(string); return text }

func (s *Service) rolesOfTrust(r *http.Request, row *resource.Row) []map[string]any {
	all := []map[string]any{}
	ids, _ := row.Values["roles"].([]string)
	for _, id := range ids {
		if role := s.roles.Row(id); role != nil {
			all = append(all, role.Body(r))
		}
	}
	return all
}

// ofTrust serves a call about a trust.
func (s *Service) ofTrust(do func(r *http.Request, row *resource.Row) (int, any, error)) resource.Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		row := s.trusts.Row(r.PathValue("id"))
		if row == nil || !s.trusts.Sees(c, row) {
			return 0, nil, notFound("trust", r.PathValue("id"))
		}
		return do(r, row)
	}
}

func (s *Service) trustRoles(r *http.Request, row *resource.Row) (int, any, error) {
	return http.StatusOK, map[string]any{"roles": s.rolesOfTrust(r, row), "links": links(r)}, nil
}

func (s *Service) trustRole(r *http.Request, row *resource.Row) (int, any, error) {
	for _, role := range s.rolesOfTrust(r, row) {
		if role["id"] == r.PathValue("role") {
			return http.StatusOK, map[string]any{"role": role}, nil
		}
	}
	return 0, nil, notFound("role", r.PathValue("role"))
}
