package neutron

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// AllocatePort makes a port for a server on a network, with the project's default security group and an address, ""
// standing for any.
func (s *Service) AllocatePort(caller front.Caller, networkID, serverID, address string) (Port, error) {
	var fixed []FixedIP
	if address != "" {
		fixed = []FixedIP{{IPAddress: address}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.newPort(caller, Port{
		NetworkID: networkID, ProjectID: caller.ProjectID,
		DeviceID: serverID, DeviceOwner: "compute:nova", ForServer: true, Status: "ACTIVE", AdminStateUp: true,
	}, fixed)
	if err != nil {
		return Port{}, err
	}
	return p.clone(), nil
}

// newPort adds a port; without addresses it gets one of the network's first subnet, without
// security groups (nil) the default one. The caller holds the lock.
func (s *Service) newPort(c front.Caller, p Port, fixed []FixedIP) (*Port, error) {
	n, ok := s.networks[p.NetworkID]
	if !ok || !seesNetwork(c, n) {
		return nil, answer.FailKind(http.StatusNotFound, "NetworkNotFound", "Network %s could not be found.", p.NetworkID)
	}
	if q := s.most(p.ProjectID, "port"); q >= 0 && count(s.ports, func(o *Port) bool { return o.ProjectID == p.ProjectID }) >= q {
		return nil, overQuota("port")
	}
	if p.SecurityGroups == nil {
		p.SecurityGroups = []string{s.defaultGroup(p.ProjectID).ID}
	}
	if len(fixed) == 0 {
		fixed = s.anyAddresses(n)
	}
	for _, want := range fixed {
		got, err := s.fix(n, want)
		if err != nil {
			s.giveAll(p.FixedIPs)
			return nil, err
		}
		p.FixedIPs = append(p.FixedIPs, got)
	}
	p.ID, p.CreatedAt = uuid.NewString(), s.clock.Now().UTC()
	if p.MAC == "" {
		r := rand.Uint32()
		p.MAC = fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", byte(r>>16), byte(r>>8), byte(r))
	}
	if p.Status == "" {
		p.Status = "DOWN"
	}
	s.ports[p.ID] = &p
	return &p, nil
}

// Port returns a copy of a port.
func (s *Service) Port(id string) (Port, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.ports[id]
	if !ok {
		return Port{}, false
	}
	return p.clone(), true
}

// BindPort gives a port to a server. A port that has another one is a conflict.
func (s *Service) BindPort(portID, serverID string) error {
	addresses, err := s.bind(portID, serverID)
	s.tell(addresses, serverID)
	return err
}

// bind returns the addresses of the floating IPs that lead to the port's new server.
func (s *Service) bind(portID, serverID string) (addresses []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.ports[portID]
	if !ok {
		return nil, portNotFound(portID)
	}
	if p.DeviceID != "" && p.DeviceID != serverID {
		return nil, answer.FailKind(http.StatusConflict, "PortInUse", "Port %s is still in use.", portID)
	}
	p.DeviceID, p.DeviceOwner, p.Status = serverID, "compute:nova", "ACTIVE"
	for _, f := range s.floating {
		if f.PortID == portID {
			addresses = append(addresses, f.Address)
		}
	}
	return addresses, nil
}

// PortsOf returns a server's ports, in the order of their creation.
func (s *Service) PortsOf(serverID string) []Port {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Port
	for _, p := range s.ports {
		if p.DeviceID == serverID {
			out = append(out, p.clone())
		}
	}
	slices.SortFunc(out, func(a, b Port) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return out
}

// ReleasePorts deletes the ports that were made for a server and unbinds those it was given.
func (s *Service) ReleasePorts(serverID string) {
	for _, p := range s.PortsOf(serverID) {
		s.ReleasePort(p.ID)
	}
}

// ReleasePort deletes a port that was made for its server, and takes another one from it.
func (s *Service) ReleasePort(portID string) {
	if p, ok := s.Port(portID); ok && p.ForServer {
		s.mu.Lock()
		freed := s.deletePort(portID)
		s.mu.Unlock()
		s.tell(freed, "")
		return
	}
	s.unbindPort(portID)
}

func (s *Service) unbindPort(portID string) {
	s.mu.Lock()
	var freed []string
	if p, ok := s.ports[portID]; ok {
		p.DeviceID, p.DeviceOwner, p.Status = "", "", "DOWN"
		for _, f := range s.floating {
			if f.PortID == portID {
				freed = append(freed, f.Address)
			}
		}
	}
	s.mu.Unlock()
	s.tell(freed, "")
}

// deletePort removes a port and takes its floating IPs away; it returns their addresses. The caller
// holds the lock and tells of them.
func (s *Service) deletePort(id string) (freed []string) {
	p, ok := s.ports[id]
	if !ok {
		return nil
	}
	for _, f := range s.floating {
		if f.PortID == id {
			f.PortID, f.FixedAddress = "", ""
			freed = append(freed, f.Address)
		}
	}
	s.giveAll(p.FixedIPs)
	delete(s.ports, id)
	return freed
}

// anyAddresses wishes for an address of the first subnet of each IP version. The caller holds the lock.
func (s *Service) anyAddresses(n *Network) []FixedIP {
	var wishes []FixedIP
	seen := map[bool]bool{}
	for _, id := range n.Subnets {
		if six := s.subnets[id].CIDR.Addr().Is6(); !seen[six] {
			seen[six] = true
			wishes = append(wishes, FixedIP{SubnetID: id})
		}
	}
	return wishes
}
