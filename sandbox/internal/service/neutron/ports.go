package neutron

import (
	"net/http"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

var portKind = kind{
	name: "port", exception: "Port",
	list: func(s *Service, c front.Caller) []map[string]any {
		var out []map[string]any
		for _, p := range s.ports {
			if c.Is("admin") || p.ProjectID == c.ProjectID {
				out = append(out, p.body())
			}
		}
		return out
	},
	create: (*Service).createPort, update: (*Service).updatePort, remove: (*Service).removePort,
	tags: func(s *Service, id string) *[]string { return &s.ports[id].Tags },
}

func (p *Port) body() map[string]any {
	return map[string]any{
		"id": p.ID, "name": p.Name, "network_id": p.NetworkID, "project_id": p.ProjectID, "tenant_id": p.ProjectID,
		"device_id": p.DeviceID, "device_owner": p.DeviceOwner, "mac_address": p.MAC, "status": p.Status, "admin_state_up": p.AdminStateUp,
		"fixed_ips": list(p.FixedIPs), "security_groups": list(p.SecurityGroups), "description": p.Description, "tags": list(p.Tags),
		"allowed_address_pairs": []any{}, "extra_dhcp_opts": []any{}, "port_security_enabled": true,
		"binding:vnic_type": "normal", "created_at": stamp(p.CreatedAt), "updated_at": stamp(p.CreatedAt), "revision_number": 1,
	}
}

type portRequest struct {
	NetworkID      string     `json:"network_id"`
	ProjectID      *string    `json:"project_id"`
	Name           *string    `json:"name"`
	Description    *string    `json:"description"`
	DeviceID       *string    `json:"device_id"`
	DeviceOwner    *string    `json:"device_owner"`
	MAC            *string    `json:"mac_address"`
	AdminStateUp   *bool      `json:"admin_state_up"`
	FixedIPs       *[]FixedIP `json:"fixed_ips"`
	SecurityGroups *[]string  `json:"security_groups"`
}

// apply sets what a request names; addresses are the caller's affair.
func (q portRequest) apply(s *Service, p *Port, c front.Caller) error {
	set(&p.Name, q.Name)
	set(&p.Description, q.Description)
	set(&p.DeviceID, q.DeviceID)
	set(&p.DeviceOwner, q.DeviceOwner)
	set(&p.MAC, q.MAC)
	set(&p.AdminStateUp, q.AdminStateUp)
	if q.SecurityGroups == nil {
		return nil
	}
	p.SecurityGroups = []string{}
	for _, id := range *q.SecurityGroups {
		g := s.groups[id]
		if g == nil || (g.ProjectID != c.ProjectID && !c.Is("admin")) {
			return groupKind.notFound(id)
		}
		p.SecurityGroups = append(p.SecurityGroups, id)
	}
	return nil
}

func (s *Service) createPort(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[portRequest](r, "port")
	if err != nil {
		return "", err
	}
	if err := reference("network_id", q.NetworkID); err != nil {
		return "", err
	}
	p := Port{NetworkID: q.NetworkID, ProjectID: c.ProjectID, AdminStateUp: true}
	if c.Is("admin") {
		set(&p.ProjectID, q.ProjectID)
	}
	if n := s.networks[q.NetworkID]; n != nil && n.External && !c.Is("admin") && !n.Shared {
		return "", disallowed("create_port")
	}
	if err := q.apply(s, &p, c); err != nil {
		return "", err
	}
	var fixed []FixedIP
	set(&fixed, q.FixedIPs)
	if err := s.mayChoose(c, q.NetworkID, fixed, "create_port"); err != nil {
		return "", err
	}
	made, err := s.newPort(c, p, fixed)
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

func (s *Service) updatePort(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[portRequest](r, "port")
	if err != nil {
		return "", err
	}
	p := s.ports[r.PathValue("id")]
	next := p.clone()
	if err := q.apply(s, &next, c); err != nil {
		return "", err
	}
	if q.FixedIPs != nil {
		if err := s.mayChoose(c, p.NetworkID, *q.FixedIPs, "update_port"); err != nil {
			return "", err
		}
		if err := s.readdress(&next, *q.FixedIPs); err != nil {
			return "", err
		}
	}
	*p = next
	return p.ID, nil
}

// mayChoose refuses a certain address to those who don't own the network.
func (s *Service) mayChoose(c front.Caller, network string, fixed []FixedIP, action string) error {
	n := s.networks[network]
	chosen := slices.ContainsFunc(fixed, func(f FixedIP) bool { return f.IPAddress != "" })
	if !chosen || n == nil || c.Is("admin") || n.ProjectID == c.ProjectID {
		return nil
	}
	return answer.FailKind(http.StatusForbidden, "PolicyNotAuthorized",
		"(rule:%[1]s and (rule:%[1]s:fixed_ips and (rule:%[1]s:fixed_ips:ip_address))) is disallowed by policy", action)
}

// readdress gives a port other addresses; those it keeps it keeps.
func (s *Service) readdress(p *Port, wish []FixedIP) error {
	n := s.networks[p.NetworkID]
	old := p.FixedIPs
	s.giveAll(old)
	var got []FixedIP
	for _, w := range wish {
		f, err := s.fix(n, w)
		if err != nil {
			s.giveAll(got)
			for _, o := range old {
				_, _ = s.fix(n, o) // it was ours a moment ago and the lock is held
			}
			return err
		}
		got = append(got, f)
	}
	p.FixedIPs = got
	return nil
}

func (s *Service) removePort(id string) error {
	for _, a := range s.deletePort(id) {
		s.moved = append(s.moved, move{address: a})
	}
	return nil
}

// FixedIP is an address of a port.
type FixedIP struct {
	SubnetID  string `json:"subnet_id"`
	IPAddress string `json:"ip_address"`
}

// Port is a port; DeviceID is the id of the server that it belongs to.
type Port struct {
	ID, Name, NetworkID, ProjectID, Description string
	DeviceID, DeviceOwner, MAC, Status          string
	AdminStateUp                                bool
	FixedIPs                                    []FixedIP
	SecurityGroups                              []string // ids
	Tags                                        []string
	ForServer                                   bool // made by AllocatePort, and so deleted with its server
	CreatedAt                                   time.Time
}

func (p *Port) clone() Port {
	c := *p
	c.FixedIPs, c.SecurityGroups, c.Tags = slices.Clone(p.FixedIPs), slices.Clone(p.SecurityGroups), slices.Clone(p.Tags)
	return c
}
