package nova

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
)

func interfaceBody(p neutron.Port) map[string]any {
	ips := []map[string]string{}
	for _, ip := range p.FixedIPs {
		ips = append(ips, map[string]string{"ip_address": ip.IPAddress, "subnet_id": ip.SubnetID})
	}
	return map[string]any{"port_id": p.ID, "net_id": p.NetworkID, "mac_addr": p.MAC, "port_state": p.Status, "fixed_ips": ips}
}

func (s *Service) listInterfaces(w http.ResponseWriter, _ *http.Request, v *Server) error {
	out := []any{}
	for _, p := range s.ports.PortsOf(v.ID) {
		out = append(out, interfaceBody(p))
	}
	answer.JSON(w, http.StatusOK, map[string]any{"interfaceAttachments": out})
	return nil
}

func (s *Service) portOf(v *Server, id string) (neutron.Port, error) {
	p, ok := s.ports.Port(id)
	if !ok || p.DeviceID != v.ID {
		return p, answer.Fail(http.StatusNotFound, "Port id %s could not be found.", id)
	}
	return p, nil
}

func (s *Service) showInterface(w http.ResponseWriter, r *http.Request, v *Server) error {
	p, err := s.portOf(v, r.PathValue("port"))
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, map[string]any{"interfaceAttachment": interfaceBody(p)})
	return nil
}

func (s *Service) attachInterface(w http.ResponseWriter, r *http.Request) error {
	q, err := decode[struct {
		PortID   string `json:"port_id"`
		NetID    string `json:"net_id"`
		FixedIPs []struct {
			IPAddress string `json:"ip_address"`
		} `json:"fixed_ips"`
	}](r, "interfaceAttachment")
	if err != nil {
		return err
	}
	v, err := s.locked(r, "os-attach-interfaces:create", "attach_interface", vmActive, vmStopped)
	if err != nil {
		return err
	}
	c := front.CallerOf(r)
	requested := requestedNetwork{Port: q.PortID, UUID: q.NetID}
	if q.PortID == "" && q.NetID == "" {
		all := s.nets.Networks(c)
		if len(all) != 1 {
			return answer.Fail(http.StatusConflict, "Multiple possible networks found, use a Network ID to be more specific.")
		}
		requested.UUID = all[0].ID
	}
	if len(q.FixedIPs) > 0 {
		requested.FixedIP = q.FixedIPs[0].IPAddress
	}
	if err := s.checkNetworks(c, []requestedNetwork{requested}); err != nil {
		return err
	}
	id := q.PortID
	if id != "" {
		err = s.ports.BindPort(id, v.ID)
	} else {
		var p neutron.Port
		p, err = s.ports.AllocatePort(c, requested.UUID, v.ID, requested.FixedIP)
		id = p.ID
	}
	if err != nil {
		return err
	}
	p, _ := s.ports.Port(id)
	if g := s.runningGuest(v); g != nil {
		for _, ip := range p.FixedIPs {
			_ = g.ServeSSH(s.sshAddress(ip.IPAddress)) // like an address that doesn't answer
		}
	}
	answer.JSON(w, http.StatusOK, map[string]any{"interfaceAttachment": interfaceBody(p)})
	return nil
}

func (s *Service) detachInterface(w http.ResponseWriter, r *http.Request) error {
	v, err := s.locked(r, "os-attach-interfaces:delete", "detach_interface", vmActive, vmStopped)
	if err != nil {
		return err
	}
	p, err := s.portOf(v, r.PathValue("port"))
	if err != nil {
		return err
	}
	if g := s.runningGuest(v); g != nil {
		for _, ip := range p.FixedIPs {
			g.HangUp(s.sshAddress(ip.IPAddress))
		}
	}
	s.ports.ReleasePort(p.ID)
	w.WriteHeader(http.StatusAccepted)
	return nil
}
