package nova

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
)

// poll waits until it makes sense to look at another service's object again.
func (s *Service) poll(ctx context.Context) error {
	t := time.NewTimer(max(s.clock.Transition()/10, 2*time.Millisecond))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

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
	front.JSON(w, http.StatusOK, map[string]any{"interfaceAttachments": out})
	return nil
}

func (s *Service) portOf(v *Server, id string) (neutron.Port, error) {
	p, ok := s.ports.Port(id)
	if !ok || p.DeviceID != v.ID {
		return p, front.Fail(http.StatusNotFound, "Port id %s could not be found.", id)
	}
	return p, nil
}

func (s *Service) showInterface(w http.ResponseWriter, r *http.Request, v *Server) error {
	p, err := s.portOf(v, r.PathValue("port"))
	if err != nil {
		return err
	}
	front.JSON(w, http.StatusOK, map[string]any{"interfaceAttachment": interfaceBody(p)})
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
			return front.Fail(http.StatusConflict, "Multiple possible networks found, use a Network ID to be more specific.")
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
	front.JSON(w, http.StatusOK, map[string]any{"interfaceAttachment": interfaceBody(p)})
	return nil
}

// locked finds the request's server for a change that is made without the lock, in one of the states.
func (s *Service) locked(r *http.Request, rule, action string, states ...string) (*Server, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.own(r, rule)
	if err != nil {
		return nil, err
	}
	return v, v.ready(action, states...)
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
	s.ports.UnbindPort(p.ID)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func attachmentBody(r *http.Request, v *Server, a VolumeAttachment) map[string]any {
	b := map[string]any{"id": a.VolumeID, "volumeId": a.VolumeID, "serverId": v.ID, "device": a.Device}
	if minor(r) >= 70 {
		b["tag"] = orNull(a.Tag)
	}
	if minor(r) >= 79 {
		b["delete_on_termination"] = a.DeleteOnTermination
	}
	if minor(r) >= 89 {
		delete(b, "id")
		b["attachment_id"], b["bdm_uuid"] = a.VolumeID, a.VolumeID
	}
	return b
}

func (s *Service) listAttachments(w http.ResponseWriter, r *http.Request, v *Server) error {
	out := []any{}
	for _, a := range v.Volumes {
		out = append(out, attachmentBody(r, v, a))
	}
	front.JSON(w, http.StatusOK, map[string]any{"volumeAttachments": out})
	return nil
}

func (v *Server) attachment(id string) (VolumeAttachment, error) {
	i := slices.IndexFunc(v.Volumes, func(a VolumeAttachment) bool { return a.VolumeID == id })
	if i < 0 {
		return VolumeAttachment{}, front.Fail(http.StatusNotFound, "Instance %s is not attached to volume %s", v.ID, id)
	}
	return v.Volumes[i], nil
}

func (s *Service) showAttachment(w http.ResponseWriter, r *http.Request, v *Server) error {
	a, err := v.attachment(r.PathValue("volume"))
	if err != nil {
		return err
	}
	front.JSON(w, http.StatusOK, map[string]any{"volumeAttachment": attachmentBody(r, v, a)})
	return nil
}

func (s *Service) attachVolume(w http.ResponseWriter, r *http.Request) error {
	q, err := decode[struct {
		VolumeID            string `json:"volumeId"`
		Device              string `json:"device"`
		Tag                 string `json:"tag"`
		DeleteOnTermination bool   `json:"delete_on_termination"`
	}](r, "volumeAttachment")
	if err != nil {
		return err
	}
	v, err := s.locked(r, "os-volumes-attachments:create", "attach_volume", vmActive, vmStopped)
	if err != nil {
		return err
	}
	if _, ok := s.vols.Visible(front.CallerOf(r), q.VolumeID); !ok {
		return front.Fail(http.StatusNotFound, "Volume %s could not be found.", q.VolumeID)
	}
	if err := s.vols.Reserve(q.VolumeID); err != nil {
		return err
	}
	a := VolumeAttachment{VolumeID: q.VolumeID, Device: q.Device, Tag: q.Tag, DeleteOnTermination: q.DeleteOnTermination}
	s.mu.Lock()
	if a.Device == "" {
		a.Device = "/dev/vd" + string(rune('b'+len(v.Volumes)))
	}
	v.Volumes = append(v.Volumes, a)
	v.note(w, r, "attach_volume")
	b := attachmentBody(r, v, a)
	s.mu.Unlock()
	s.clock.After(func(context.Context) { _ = s.vols.Attach(q.VolumeID, v.ID, a.Device) })
	front.JSON(w, http.StatusOK, map[string]any{"volumeAttachment": b})
	return nil
}

func (s *Service) detachVolume(w http.ResponseWriter, r *http.Request) error {
	v, err := s.locked(r, "os-volumes-attachments:delete", "detach_volume", vmActive, vmStopped)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := v.attachment(r.PathValue("volume"))
	if err != nil {
		return err
	}
	if a.Root {
		return front.Fail(http.StatusForbidden, "Cannot detach a root device volume")
	}
	v.note(w, r, "detach_volume")
	s.clock.After(func(context.Context) {
		s.vols.Detach(a.VolumeID, v.ID)
		s.change(v, func() {
			v.Volumes = slices.DeleteFunc(slices.Clone(v.Volumes), func(b VolumeAttachment) bool { return b.VolumeID == a.VolumeID })
		})
	})
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Service) serverSecurityGroups(w http.ResponseWriter, _ *http.Request, v *Server) error {
	out := []any{}
	seen := map[string]bool{}
	for _, p := range s.ports.PortsOf(v.ID) {
		for _, id := range p.SecurityGroups {
			if g, ok := s.nets.SecurityGroup(id); ok && !seen[id] {
				seen[id] = true
				out = append(out, map[string]any{"id": g.ID, "name": g.Name, "description": g.Description, "tenant_id": g.ProjectID, "rules": []any{}})
			}
		}
	}
	front.JSON(w, http.StatusOK, map[string]any{"security_groups": out})
	return nil
}
