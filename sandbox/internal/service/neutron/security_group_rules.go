package neutron

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Allows reports whether a port's security groups let TCP connections to a port number in.
func (s *Service) Allows(portID string, tcp int) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.ports[portID]
	if !ok {
		return false
	}
	for _, id := range p.SecurityGroups {
		g := s.groups[id]
		if g != nil && slices.ContainsFunc(g.Rules, func(r Rule) bool { return r.letsIn(tcp) }) {
			return true
		}
	}
	return false
}

func (r Rule) letsIn(tcp int) bool {
	return r.Direction == "ingress" && r.EtherType == "IPv4" && r.RemoteGroup == "" &&
		(r.Protocol == "" || r.Protocol == "tcp" || r.Protocol == "6") &&
		(r.PortMin == 0 || (r.PortMin <= tcp && tcp <= r.PortMax))
}

var ruleKind = kind{
	name: "security_group_rule", exception: "SecurityGroupRule",
	list: func(s *Service, c front.Caller) []map[string]any {
		var out []map[string]any
		for _, g := range s.groups {
			if !c.Is("admin") && g.ProjectID != c.ProjectID {
				continue
			}
			for k := range g.Rules {
				out = append(out, g.Rules[k].body())
			}
		}
		return out
	},
	owner: func(s *Service, id string) string {
		g, _ := s.rule(id)
		return g.ProjectID
	},
	create: (*Service).createRule,
	update: func(*Service, *http.Request, front.Caller) (string, error) {
		return "", answer.Fail(http.StatusMethodNotAllowed, "The method PUT is not allowed for this resource.")
	},
	remove: (*Service).removeRule,
	tags:   func(*Service, string) *[]string { return nil },
}

func (s *Service) rule(id string) (*SecurityGroup, int) {
	for _, g := range s.groups {
		if k := slices.IndexFunc(g.Rules, func(r Rule) bool { return r.ID == id }); k >= 0 {
			return g, k
		}
	}
	return nil, -1
}

func (r *Rule) body() map[string]any {
	port := func(n int) any {
		if n == 0 {
			return nil
		}
		return n
	}
	return map[string]any{
		"id": r.ID, "security_group_id": r.GroupID, "project_id": r.ProjectID, "tenant_id": r.ProjectID,
		"description": r.description(),
		"direction":   r.Direction, "ethertype": r.EtherType, "protocol": orNull(r.Protocol), "port_range_min": port(r.PortMin),
		"port_range_max":   port(r.PortMax),
		"remote_ip_prefix": orNull(r.RemotePrefix), "remote_group_id": orNull(r.RemoteGroup), "remote_address_group_id": nil,
		"normalized_cidr": orNull(r.RemotePrefix),
		"created_at":      stamp(r.CreatedAt), "updated_at": stamp(r.CreatedAt), "revision_number": 0,
	}
}

// number is a whole number that clients also send as text, or as null.
type number int

// UnmarshalJSON takes 22, "22" and null.
func (n *number) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" || text == "" {
		return nil
	}
	v, err := strconv.Atoi(text)
	*n = number(v)
	return err
}

type ruleRequest struct {
	GroupID      string          `json:"security_group_id"`
	Direction    string          `json:"direction"`
	EtherType    string          `json:"ethertype"`
	Protocol     json.RawMessage `json:"protocol"`
	PortMin      number          `json:"port_range_min"`
	PortMax      number          `json:"port_range_max"`
	RemotePrefix string          `json:"remote_ip_prefix"`
	RemoteGroup  string          `json:"remote_group_id"`

	Description presence[string] `json:"description"`
}

func (s *Service) createRule(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[ruleRequest](r, "security_group_rule")
	if err != nil {
		return "", err
	}
	g := s.groups[q.GroupID]
	if g == nil || (g.ProjectID != c.ProjectID && !c.Is("admin")) {
		return "", groupKind.notFound(q.GroupID)
	}
	if q.Direction != "ingress" && q.Direction != "egress" {
		return "", malformed("Invalid input for direction. Reason: %s is not in valid_values.", q.Direction)
	}
	if q.EtherType == "" {
		q.EtherType = "IPv4"
	}
	protocol := strings.Trim(string(q.Protocol), `"`)
	if protocol == "null" {
		protocol = ""
	}
	if q.PortMin > 0 && q.PortMax > 0 && q.PortMin > q.PortMax {
		return "", answer.FailKind(http.StatusBadRequest, "SecurityGroupInvalidPortRange",
			"For TCP/UDP protocols, port_range_min must be <= port_range_max")
	}
	for _, port := range []number{q.PortMin, q.PortMax} {
		if port < 0 || port > 65535 && (protocol == "tcp" || protocol == "udp") {
			return "", answer.FailKind(http.StatusBadRequest, "SecurityGroupInvalidPortValue", "Invalid value for port %d", port)
		}
	}
	want := Rule{
		Direction: q.Direction, EtherType: q.EtherType, Protocol: protocol, PortMin: int(q.PortMin), PortMax: int(q.PortMax),
		RemotePrefix: q.RemotePrefix, RemoteGroup: q.RemoteGroup, Description: q.Description.value,
		undescribed: q.Description.given && q.Description.value == "",
	}
	for _, have := range g.Rules {
		if sameRule(have, want) {
			return "", answer.FailKind(http.StatusConflict, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is %s.",
				have.ID)
		}
	}
	want.CreatedAt = s.clock.Now().UTC()
	return g.add(want).ID, nil
}

func sameRule(a, b Rule) bool {
	key := func(r Rule) string {
		return fmt.Sprint(r.Direction, r.EtherType, r.Protocol, r.PortMin, r.PortMax, r.RemotePrefix, r.RemoteGroup)
	}
	return key(a) == key(b)
}

func (s *Service) removeRule(id string) error {
	g, k := s.rule(id)
	g.Rules = slices.Delete(g.Rules, k, k+1)
	return nil
}

// Rule is a rule of a security group. Ports are 0 if not limited.
type Rule struct {
	ID, GroupID, ProjectID, Description string
	Direction, EtherType, Protocol      string
	PortMin, PortMax                    int
	RemotePrefix, RemoteGroup           string
	CreatedAt                           time.Time

	undescribed bool // its creation gave null as description
}

func (r *Rule) description() any {
	if r.undescribed {
		return nil
	}
	return r.Description
}
