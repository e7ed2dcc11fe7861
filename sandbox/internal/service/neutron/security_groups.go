package neutron

import (
	"net/http"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

var groupKind = kind{
	name: "security_group", exception: "SecurityGroup",
	list: func(s *Service, c front.Caller) []map[string]any {
		if c.ProjectID != "" {
			s.defaultGroup(c.ProjectID)
		}
		var out []map[string]any
		for _, g := range s.groups {
			if c.Is("admin") || g.ProjectID == c.ProjectID {
				out = append(out, g.body())
			}
		}
		return out
	},
	create: (*Service).createGroup, update: (*Service).updateGroup, remove: (*Service).removeGroup,
	tags: func(s *Service, id string) *[]string { return &s.groups[id].Tags },
}

func (g *SecurityGroup) body() map[string]any {
	rules := []map[string]any{}
	for k := range g.Rules {
		rule := g.Rules[k].body()
		// As in a group alone.
		rule["description"], rule["tags"], rule["standard_attr_id"] = orNull(g.Rules[k].Description), []string{}, k+1
		rules = append(rules, rule)
	}
	return map[string]any{
		"id": g.ID, "name": g.Name, "description": g.Description, "project_id": g.ProjectID, "tenant_id": g.ProjectID,
		"security_group_rules": rules, "stateful": true, "shared": false, "tags": list(g.Tags),
		"created_at": stamp(g.CreatedAt), "updated_at": stamp(g.CreatedAt), "revision_number": 1,
	}
}

type groupRequest struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
}

func (s *Service) createGroup(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[groupRequest](r, "security_group")
	if err != nil {
		return "", err
	}
	if q.Name != nil && *q.Name == "default" {
		return "", answer.FailKind(http.StatusConflict, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
	}
	if most := s.most(c.ProjectID, "security_group"); most >= 0 && count(s.groups,
		func(o *SecurityGroup) bool { return o.ProjectID == c.ProjectID }) >= most {
		return "", overQuota("security_group")
	}
	g := s.newGroup(c.ProjectID, "", "")
	set(&g.Name, q.Name)
	set(&g.Description, q.Description)
	s.groups[g.ID] = g
	return g.ID, nil
}

func (s *Service) updateGroup(r *http.Request, _ front.Caller) (string, error) {
	q, err := decode[groupRequest](r, "security_group")
	if err != nil {
		return "", err
	}
	g := s.groups[r.PathValue("id")]
	set(&g.Name, q.Name)
	set(&g.Description, q.Description)
	return g.ID, nil
}

func (s *Service) removeGroup(id string) error {
	if s.groups[id].Name == "default" {
		return answer.FailKind(http.StatusConflict, "SecurityGroupCannotRemoveDefault",
			"Insufficient rights for removing default security group.")
	}
	if count(s.ports, func(p *Port) bool { return slices.Contains(p.SecurityGroups, id) }) > 0 {
		return answer.FailKind(http.StatusConflict, "SecurityGroupInUse", "Security Group %s in use.", id)
	}
	delete(s.groups, id)
	return nil
}

// SecurityGroup is a named set of rules.
type SecurityGroup struct {
	ID, Name, ProjectID, Description string
	Rules                            []Rule
	Tags                             []string
	CreatedAt                        time.Time
}
