package neutron

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// SetSecurityGroups sets a port's security groups, given by id or name.
func (s *Service) SetSecurityGroups(caller front.Caller, portID string, groups []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.ports[portID]
	if !ok {
		return portNotFound(portID)
	}
	ids := make([]string, 0, len(groups))
	for _, g := range groups {
		id, err := s.groupID(caller, g)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	p.SecurityGroups = ids
	return nil
}

// SecurityGroup returns a copy of a security group by its id.
func (s *Service) SecurityGroup(id string) (SecurityGroup, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g, ok := s.groups[id]
	if !ok {
		return SecurityGroup{}, false
	}
	c := *g
	c.Rules = slices.Clone(g.Rules)
	return c, true
}

// SecurityGroupID finds a security group of the caller's project by id or name.
func (s *Service) SecurityGroupID(caller front.Caller, nameOrID string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groupID(caller, nameOrID)
}

func (s *Service) groupID(c front.Caller, nameOrID string) (string, error) {
	if nameOrID == "default" {
		return s.defaultGroup(c.ProjectID).ID, nil
	}
	if g, ok := s.groups[nameOrID]; ok && (g.ProjectID == c.ProjectID || c.Is("admin")) {
		return g.ID, nil
	}
	var found []string
	for _, g := range s.groups {
		if g.Name == nameOrID && g.ProjectID == c.ProjectID {
			found = append(found, g.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", answer.FailKind(http.StatusNotFound, "SecurityGroupNotFound", "Security group %s does not exist", nameOrID)
	}
	return "", answer.FailKind(http.StatusConflict, "NoUniqueMatch",
		"Multiple security groups found matching '%s'. Use an ID to be more specific.", nameOrID)
}

// defaultGroup is a project's security group "default", made when first asked for; in the sandbox
// it lets SSH and ping in. The caller holds the lock for writing.
func (s *Service) defaultGroup(project string) *SecurityGroup {
	for _, g := range s.groups {
		if g.ProjectID == project && g.Name == "default" {
			return g
		}
	}
	g := s.newGroup(project, "default", "Default security group")
	for _, ether := range []string{"IPv4", "IPv6"} {
		g.add(Rule{Direction: "ingress", EtherType: ether, RemoteGroup: g.ID})
	}
	g.add(Rule{Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", PortMin: 22, PortMax: 22, RemotePrefix: "0.0.0.0/0"})
	g.add(Rule{Direction: "ingress", EtherType: "IPv4", Protocol: "icmp", RemotePrefix: "0.0.0.0/0"})
	s.groups[g.ID] = g
	return g
}

func (s *Service) newGroup(project, name, description string) *SecurityGroup {
	g := &SecurityGroup{ID: uuid.NewString(), Name: name, ProjectID: project, Description: description, CreatedAt: s.clock.Now().UTC()}
	for _, ether := range []string{"IPv4", "IPv6"} {
		g.add(Rule{Direction: "egress", EtherType: ether})
	}
	return g
}

func (g *SecurityGroup) add(r Rule) *Rule {
	r.ID, r.GroupID, r.ProjectID = uuid.NewString(), g.ID, g.ProjectID
	if r.CreatedAt.IsZero() {
		r.CreatedAt = g.CreatedAt
	}
	g.Rules = append(g.Rules, r)
	return &g.Rules[len(g.Rules)-1]
}
