package keystone

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// allowCredential lets users handle their own credentials.
func (s *Service) allowCredential(c front.Caller, verb, id string) error {
	row := s.credentials.Row(id)
	if verb == "list" || verb == "create" || row != nil && row.Text("user_id") == c.UserID {
		return nil
	}
	return notAllowed(verb + "_credential")
}

func (s *Service) seesCredential(c front.Caller, row *resource.Row) bool {
	return c.Is(RoleAdmin) || row.Text("user_id") == c.UserID
}

func (s *Service) checkCredential(_ *http.Request, c front.Caller, row *resource.Row) error {
	row.Set("user_id", cmp.Or(row.Text("user_id"), c.UserID))
	if row.Text("user_id") != c.UserID && !c.Is(RoleAdmin) {
		return notAllowed("create_credential")
	}
	return nil
}

func checkEC2(_ *http.Request, _ front.Caller, row *resource.Row) error {
	row.Set("secret", newID())
	return nil
}

// shapeEC2 has the id of an EC2 credential under the name that it has there.
func shapeEC2(r *http.Request, row *resource.Row, body map[string]any) {
	delete(body, "id")
	body["access"], body["trust_id"] = row.ID(), nil
	body["links"] = self(r, "users/"+row.Text("user_id")+"/credentials/OS-EC2", row.ID())
}

// accessRules are what an application credential may do, made where they are new.
func (s *Service) accessRules(user string, asked []accessRule) (ids []string) {
	for _, a := range asked {
		id := ""
		for _, row := range s.rules.Rows() {
			if row.Text("user_id") == user && a == (accessRule{row.Text("path"), row.Text("service"), row.Text("method")}) {
				id = row.ID()
			}
		}
		if id == "" {
			values := map[string]any{"user_id": user, "path": a.Path, "service": a.Service, "method": a.Method}
			id = s.rules.Add("", "", values).ID()
		}
		ids = append(ids, id)
	}
	return ids
}

type accessRule struct{ Path, Service, Method string }

func (s *Service) endRule(row *resource.Row) (bool, error) {
	for _, c := range s.appCreds {
		if slices.Contains(c.rules, row.ID()) {
			return false, answer.Fail(http.StatusForbidden, "Access rule %s is in use by application credential %s.", row.ID(), c.ID)
		}
	}
	return false, nil
}
