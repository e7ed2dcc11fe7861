package nova

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// act performs one action on a server. The lock is held.
type act func(s *Service, w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error

var acts map[string]act

func init() {
	acts = map[string]act{
		"os-start": (*Service).start, "os-stop": (*Service).stop, "reboot": (*Service).reboot, "createImage": (*Service).createImage,
		"os-getConsoleOutput": (*Service).consoleOutput, "forceDelete": (*Service).forceDelete, "changePassword": (*Service).changePassword,
		"addSecurityGroup": (*Service).addSecurityGroup, "removeSecurityGroup": (*Service).removeSecurityGroup,
		"lock": func(_ *Service, w http.ResponseWriter, _ *http.Request, v *Server, _ json.RawMessage) error {
			v.Locked = true
			w.WriteHeader(http.StatusAccepted)
			return nil
		},
		"unlock": func(_ *Service, w http.ResponseWriter, _ *http.Request, v *Server, _ json.RawMessage) error {
			v.Locked = false
			w.WriteHeader(http.StatusAccepted)
			return nil
		},
		"os-resetState": (*Service).resetState,
		"shelve":        (*Service).shelve, "unshelve": (*Service).unshelve,
		"rebuild": (*Service).rebuild, "resize": (*Service).resize, "revertResize": (*Service).revertResize,
		"rescue": (*Service).rescue, "createBackup": (*Service).backup, "migrate": (*Service).migrate,
		"evacuate": (*Service).migrate,
	}
	for name, t := range turns {
		acts[name] = t.act(name)
	}
}

// gone are actions of the time before there was a network service.
var gone = []string{"addFloatingIp", "removeFloatingIp", "addFixedIp", "removeFixedIp"}

func (s *Service) action(w http.ResponseWriter, r *http.Request) error {
	var body map[string]json.RawMessage
	if err := answer.Decode(r, &body); err != nil {
		return errBody
	}
	if len(body) != 1 {
		return invalid("There is no such action: %s", strings.Join(slices.Sorted(maps.Keys(body)), ", "))
	}
	var name string
	var args json.RawMessage
	for name, args = range body {
	}
	do, ok := acts[name]
	if slices.Contains(gone, name) {
		return answer.Fail(http.StatusNotFound, "The resource could not be found.")
	}
	if !ok {
		return invalid("There is no such action: %s", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := r.PathValue("id"); !s.mapped[id] {
		return answer.Fail(http.StatusNotFound, "Instance %s has no mapping to a cell.", id)
	}
	if name == "os-getConsoleOutput" {
		v, err := s.visible(front.CallerOf(r), r.PathValue("id"))
		if err != nil {
			return err
		}
		return do(s, w, r, v, args)
	}
	v, err := s.own(r, "servers:"+strings.TrimPrefix(name, "os-"))
	if err != nil {
		return err
	}
	if v.Locked && name != "unlock" && !front.CallerOf(r).Is("admin") {
		return answer.Fail(http.StatusConflict, "Instance %s is locked", v.ID)
	}
	return do(s, w, r, v, args)
}

// ready refuses an action in a wrong state, in Nova's words.
func (v *Server) ready(action string, states ...string) error {
	if !slices.Contains(states, v.VMState) {
		return answer.Fail(http.StatusConflict, "Cannot '%s' instance %s while it is in vm_state %s", action, v.ID, v.VMState)
	}
	if v.TaskState != "" {
		return answer.Fail(http.StatusConflict, "Cannot '%s' instance %s while it is in task_state %s", action, v.ID, v.TaskState)
	}
	return nil
}

func (s *Service) resetState(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	if !front.CallerOf(r).Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.")
	}
	var q struct {
		State string `json:"state"`
	}
	_ = json.Unmarshal(body, &q)
	if q.State != vmActive && q.State != vmError {
		return invalid("Invalid input for field/attribute state. Value: %s. '%s' is not one of ['active', 'error']", q.State, q.State)
	}
	v.VMState, v.TaskState, v.UpdatedAt = q.State, "", s.now()
	w.WriteHeader(http.StatusAccepted)
	return nil
}
