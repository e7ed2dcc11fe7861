package ironic

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
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
	for _, name := range []string{"bios", "console", "inspect", "management", "network", "power", "raid", "rescue", "storage"} {
		body[name] = good
	}
	for _, name := range []string{"bios", "console", "raid", "rescue"} {
		body[name] = map[string]any{"result": nil, "reason": "not supported"}
	}
	body["boot"], body["deploy"] = good, good
	kernel, ramdisk := c.DriverInfo["deploy_kernel"], c.DriverInfo["deploy_ramdisk"]
	if c.DeployInterface == "direct" && (kernel == nil) != (ramdisk == nil) {
		missing := "deploy_kernel"
		if ramdisk == nil {
			missing = "deploy_ramdisk"
		}
		body["boot"] = map[string]any{"result": false, "reason": "Cannot validate PXE bootloader. Some parameters were missing in node's " +
			"driver_info. Missing are: ['" + missing + "']"}
	} else if _, err := s.ramdisk(&c); c.DeployInterface == "direct" && err != nil {
		body["boot"] = map[string]any{"result": false, "reason": err.Error()}
	}
	answer.JSON(w, http.StatusOK, body)
	return nil
}

func (s *Service) setPower(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Target string `json:"target"`
	}
	if err := answer.Decode(r, &q); err != nil {
		return invalid("%s", err)
	}
	state := map[string]string{"power on": "power on", "power off": "power off", "rebooting": "power on"}[q.Target]
	if state == "" {
		return invalid("The requested state \"%s\" is not valid.", q.Target)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.own(r, "baremetal:node:set_power_state")
	if err != nil {
		return err
	}
	if err := n.locked(); err != nil {
		return err
	}
	n.PowerState = state
	w.WriteHeader(http.StatusAccepted)
	return nil
}
