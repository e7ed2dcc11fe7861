package ironic

import (
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// verbs are the targets that a request may give, and in which states.
var verbs = map[string][]string{
	"manage":  {Available, CleanFailed, Enroll, "inspect failed", "adopt failed"},
	"provide": {Manageable},
	"active":  {Available, DeployFailed},
	"rebuild": {Active, DeployFailed, Failed},
	"deleted": {Active, DeployWait, DeployFailed, Failed},
	"abort":   {CleanWait},
	"clean":   {Manageable},
}

func allowed(target, state string) bool { return slices.Contains(verbs[target], state) }

// provision begins a change of the provision state.
func (s *Service) provision(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Target string `json:"target"`
	}
	if err := answer.Decode(r, &q); err != nil {
		return invalid("%s", err)
	}
	if q.Target == "" {
		return invalid("Missing mandatory parameter: target")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.own(r, "baremetal:node:set_provision_state")
	if err != nil {
		return err
	}
	if err := s.begin(n, q.Target); err != nil {
		return err
	}
	w.Header().Set("Location", front.Base(r)+"/v1/nodes/"+r.PathValue("id")+"/states")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// begin starts what a target asks for. The caller holds the lock.
func (s *Service) begin(n *Node, target string) error {
	if (target == "active" || target == "rebuild") && n.Maintenance {
		return invalid("The provisioning operation can't be performed on node %s because it's in maintenance mode.", n.UUID)
	}
	if !allowed(target, n.ProvisionState) {
		if err := n.locked(); err != nil {
			return err
		}
		return invalid("The requested action \"%s\" can not be performed on node \"%s\" while it is in state \"%s\".", target, n.UUID,
			n.ProvisionState)
	}
	if err := n.locked(); err != nil {
		return err
	}
	if target == "active" || target == "rebuild" {
		if why := s.incomplete(n); why != "" {
			return invalid("Failed to validate deploy or power info for node %s: %s", n.UUID, why)
		}
	}
	switch target {
	case "manage":
		n.move(s.now(), Manageable, "")
	case "provide", "clean":
		n.LastError = ""
		s.clean(n)
	case "active", "rebuild":
		n.LastError = ""
		n.move(s.now(), Deploying, Active)
		s.o.Clock.After(s.deploy(n))
	case "deleted":
		n.LastError = ""
		n.move(s.now(), Deleting, Available)
		s.o.Clock.After(s.tearDown(n))
	case "abort":
		n.LastError = "By request, the clean operation was aborted"
		s.cleanFails(n, n.LastError)
	}
	return nil
}

func (s *Service) showStates(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.visible(r)
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, map[string]any{
		"provision_state": n.ProvisionState, "target_provision_state": orNull(n.TargetState), "last_error": orNull(n.LastError),
		"provision_updated_at": stamp(n.MovedAt), "power_state": orNull(n.PowerState), "target_power_state": nil, "console_enabled": false,
		"raid_config": map[string]any{}, "target_raid_config": map[string]any{}, "boot_mode": nil, "secure_boot": nil,
	})
	return nil
}
