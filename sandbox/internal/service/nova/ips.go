package nova

import (
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// addresses are the server's by network name.
func (s *Service) addresses(v *Server) map[string][]map[string]any {
	out := map[string][]map[string]any{}
	floating := s.nets.FloatingIPs(v.ID)
	for _, p := range s.ports.PortsOf(v.ID) {
		n, ok := s.nets.Network(front.Caller{Roles: []string{"admin"}}, p.NetworkID)
		if !ok {
			continue
		}
		entry := func(address, kind string) {
			version := 4
			if strings.Contains(address, ":") {
				version = 6
			}
			out[n.Name] = append(out[n.Name], map[string]any{
				"addr": address, "version": version, "OS-EXT-IPS:type": kind,
				"OS-EXT-IPS-MAC:mac_addr": p.MAC,
			})
		}
		for _, ip := range p.FixedIPs {
			entry(ip.IPAddress, "fixed")
			for _, f := range floating {
				if f.PortID == p.ID && f.FixedAddress == ip.IPAddress {
					entry(f.Address, "floating")
				}
			}
		}
	}
	return out
}

func (s *Service) listAddresses(w http.ResponseWriter, _ *http.Request, v *Server) error {
	answer.JSON(w, http.StatusOK, map[string]any{"addresses": s.plainAddresses(v)})
	return nil
}

// plainAddresses leaves out what only a server's own document tells.
func (s *Service) plainAddresses(v *Server) map[string][]map[string]any {
	all := s.addresses(v)
	for _, entries := range all {
		for _, e := range entries {
			delete(e, "OS-EXT-IPS:type")
			delete(e, "OS-EXT-IPS-MAC:mac_addr")
		}
	}
	return all
}

func (s *Service) showAddresses(w http.ResponseWriter, r *http.Request, v *Server) error {
	name := r.PathValue("network")
	entries, ok := s.plainAddresses(v)[name]
	if !ok {
		return answer.Fail(http.StatusNotFound, "Instance is not a member of specified network")
	}
	answer.JSON(w, http.StatusOK, map[string]any{name: entries})
	return nil
}
