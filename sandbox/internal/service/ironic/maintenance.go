package ironic

import (
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) setMaintenance(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Reason string `json:"reason"`
	}
	if r.ContentLength > 0 {
		if err := answer.Decode(r, &q); err != nil {
			return invalid("%s", err)
		}
	}
	return s.maintain(w, r, true, q.Reason)
}

func (s *Service) clearMaintenance(w http.ResponseWriter, r *http.Request) error {
	return s.maintain(w, r, false, "")
}

func (s *Service) maintain(w http.ResponseWriter, r *http.Request, on bool, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.own(r, "baremetal:node:set_maintenance")
	if err != nil {
		return err
	}
	if err := n.locked(); err != nil {
		return err
	}
	n.Maintenance, n.MaintenanceReason, n.UpdatedAt = on, reason, s.now()
	if !on {
		n.Fault = ""
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// validateNode says of each interface whether the node has what it needs.
func (s *Service) validateNode(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	n, err := s.visible(r)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	c := n.clone()
	s.mu.Unlock()
	good := map[string]any{"result": true}
	body := map[string]any{}
	for _, name := range []string{"boot", "deploy", "inspect", "management", "network", "power", "storage"} {
		body[name] = good
	}
	for _, name := range []string{"bios", "console", "raid", "rescue"} {
		body[name] = map[string]any{
			"result": false, "reason": "Driver " + c.Driver + " does not support " + name + " (disabled or not implemented).",
		}
	}
	if why := s.incomplete(&c); why != "" {
		body["boot"] = map[string]any{"result": false, "reason": why}
		body["deploy"] = body["boot"]
	}
	answer.JSON(w, http.StatusOK, body)
	return nil
}

// incomplete is what a node lacks to boot its deploy ramdisk, "" if it has all. Whether the images exist isn't looked
// at before the node is deployed.
func (s *Service) incomplete(n *Node) string {
	if n.DeployInterface != "direct" {
		return ""
	}
	var missing []string
	for _, key := range []string{"deploy_kernel", "deploy_ramdisk"} {
		if n.DriverInfo[key] == nil {
			missing = append(missing, "'"+key+"'")
		}
	}
	if len(missing) == 0 || len(missing) == 2 && !s.o.NoRamdisk {
		return ""
	}
	return "Cannot validate PXE bootloader. Some parameters were missing in node's driver_info and configuration. Missing are: [" +
		strings.Join(missing, ", ") + "]"
}

func (s *Service) setPower(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Target string `json:"target"`
	}
	if err := answer.Decode(r, &q); err != nil {
		return invalid("%s", err)
	}
	state := map[string]string{"power on": "power on", "power off": "power off", "rebooting": "power on"}[q.Target]
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.own(r, "baremetal:node:set_power_state")
	if err != nil {
		return err
	}
	if err := n.locked(); err != nil {
		return err
	}
	if state == "" {
		return invalid("The requested action \"%s\" can not be performed on node \"%s\" while it is in state \"%s\".", q.Target, n.UUID,
			n.PowerState)
	}
	n.PowerState = state
	w.Header().Set("Location", front.Base(r)+"/v1/nodes/"+r.PathValue("id")+"/states")
	w.WriteHeader(http.StatusAccepted)
	return nil
}
