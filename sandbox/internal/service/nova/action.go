package nova

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
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
	}
}

// gone are actions of the time before there was a network service.
var gone = []string{"addFloatingIp", "removeFloatingIp", "addFixedIp", "removeFixedIp"}

func (s *Service) action(w http.ResponseWriter, r *http.Request) error {
	var body map[string]json.RawMessage
	if err := front.Decode(r, &body); err != nil {
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
		return front.Fail(http.StatusNotFound, "The resource could not be found.")
	}
	if !ok {
		return invalid("There is no such action: %s", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := r.PathValue("id"); !s.mapped[id] {
		return front.Fail(http.StatusNotFound, "Instance %s has no mapping to a cell.", id)
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
		return front.Fail(http.StatusConflict, "Instance %s is locked", v.ID)
	}
	return do(s, w, r, v, args)
}

// ready refuses an action in a wrong state, in Nova's words.
func (v *Server) ready(action string, states ...string) error {
	if !slices.Contains(states, v.VMState) {
		return front.Fail(http.StatusConflict, "Cannot '%s' instance %s while it is in vm_state %s", action, v.ID, v.VMState)
	}
	if v.TaskState != "" {
		return front.Fail(http.StatusConflict, "Cannot '%s' instance %s while it is in task_state %s", action, v.ID, v.TaskState)
	}
	return nil
}

func (s *Service) stop(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	if err := v.ready("stop", vmActive, vmError); err != nil {
		return err
	}
	v.note(w, r, "stop")
	v.TaskState, v.UpdatedAt = taskPoweringOff, now()
	s.begin(v, func(ctx context.Context) {
		if s.pause(ctx, 1) != nil {
			return
		}
		if v.Flavor.Mishap == Deaf && !s.offWithin(ctx, v, s.o.ShutdownTimeout) {
			return
		}
		if g := s.take(v); g != nil {
			end, cancel := context.WithTimeout(ctx, s.o.ShutdownTimeout)
			_ = g.Stop(end) // at the latest by force
			cancel()
		}
		_ = s.saveRoot(ctx, v) // the volume keeps what it had
		_ = s.step(ctx, v, func() { v.VMState, v.TaskState, v.PowerState = vmStopped, "", powerShutdown })
	})
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// offWithin waits for a guest that doesn't heed the power button, unless it turns itself off. False = cancelled.
func (s *Service) offWithin(ctx context.Context, v *Server, limit time.Duration) bool {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errDeaf)
	defer cancel()
	for s.o.Agent == "" || s.runningGuest(v) != nil {
		if s.poll(ctx) != nil {
			return errors.Is(context.Cause(ctx), errDeaf)
		}
	}
	return true
}

var errDeaf = errors.New("the guest didn't heed the power button")

func (s *Service) start(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	if err := v.ready("start", vmStopped); err != nil {
		return err
	}
	v.note(w, r, "start")
	v.TaskState, v.UpdatedAt = taskPoweringOn, now()
	s.begin(v, func(ctx context.Context) {
		if s.pause(ctx, 1) != nil {
			return
		}
		err := s.boot(ctx, v)
		s.finish(ctx, v, err)
	})
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// finish makes a server active after an operation, or shows why it isn't.
func (s *Service) finish(ctx context.Context, v *Server, err error) {
	_ = s.step(ctx, v, func() { // nothing where the server is being deleted
		if err != nil {
			v.fail(http.StatusInternalServerError, err.Error())
			return
		}
		v.VMState, v.TaskState, v.PowerState, v.Fault = vmActive, "", powerRunning, nil
	})
}

func (s *Service) reboot(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	var q struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(body, &q)
	kind := strings.ToUpper(q.Type)
	states := map[string][]string{"SOFT": {vmActive}, "HARD": {vmActive, vmStopped, vmError}}[kind]
	if states == nil {
		return invalid("Invalid input for field/attribute type. Value: %s. '%s' is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']", q.Type, q.Type)
	}
	if err := v.ready("reboot", states...); err != nil {
		return err
	}
	v.note(w, r, "reboot")
	v.TaskState, v.UpdatedAt = map[string]string{"SOFT": taskRebooting, "HARD": taskRebootHard}[kind], now()
	s.begin(v, func(ctx context.Context) {
		if s.pause(ctx, 1) != nil {
			return
		}
		s.mu.RLock()
		g := v.guest
		s.mu.RUnlock()
		var err error
		if g != nil {
			if err = g.Reboot(ctx, kind == "HARD"); err != nil {
				s.take(v)
			}
		} else {
			err = s.boot(ctx, v)
		}
		s.finish(ctx, v, err)
	})
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Service) deleteServer(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.own(r, "servers:delete")
	if err != nil {
		return err
	}
	if v.Locked && !front.CallerOf(r).Is("admin") {
		return front.Fail(http.StatusConflict, "Instance %s is locked", v.ID)
	}
	s.remove(w, r, v)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) forceDelete(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	s.remove(w, r, v)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// remove begins a deletion, which ends whatever else goes on with the server. The caller holds the lock.
func (s *Service) remove(w http.ResponseWriter, r *http.Request, v *Server) {
	if v.TaskState == taskDeleting {
		return
	}
	v.note(w, r, "delete")
	if v.cancel != nil {
		v.cancel()
	}
	v.TaskState, v.UpdatedAt = taskDeleting, now()
	s.begin(v, func(ctx context.Context) {
		if s.pause(ctx, 1) != nil {
			return // the sandbox closes
		}
		if g := s.take(v); g != nil {
			g.Kill()
		}
		_ = s.saveRoot(ctx, v)
		s.release(v)
		_ = host.Remove(s.dir(v.ID))
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.servers, v.ID)
		s.order = slices.DeleteFunc(s.order, func(o *Server) bool { return o == v })
		for _, g := range s.groups {
			g.Members = slices.DeleteFunc(g.Members, func(id string) bool { return id == v.ID })
		}
	})
}

func (s *Service) consoleOutput(w http.ResponseWriter, _ *http.Request, v *Server, body json.RawMessage) error {
	if v.VMState == vmBuilding {
		return front.Fail(http.StatusConflict, "Instance %s is not ready", v.ID)
	}
	var q struct {
		Length any `json:"length"`
	}
	_ = json.Unmarshal(body, &q)
	b, err := os.ReadFile(host.ConsoleLog(s.dir(v.ID)))
	if err != nil {
		b = fmt.Appendf(nil, "[    0.000000] Booting %s (%s)\n%s login:\n", v.Hostname, v.ID, v.Hostname)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(b), "\n"), "\n")
	if n := atoi(fmt.Sprint(q.Length)); n > 0 && n < len(lines) {
		lines = lines[len(lines)-n:]
	}
	front.JSON(w, http.StatusOK, map[string]string{"output": strings.Join(lines, "")})
	return nil
}

func (s *Service) changePassword(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	var q struct {
		AdminPass string `json:"adminPass"`
	}
	if json.Unmarshal(body, &q) != nil || q.AdminPass == "" {
		return invalid("'adminPass' is a required property")
	}
	if err := v.ready("changePassword", vmActive); err != nil {
		return err
	}
	v.note(w, r, "changePassword")
	v.password, v.passwordAsked = q.AdminPass, true
	if v.guest != nil {
		if err := v.guest.SetPassword(q.AdminPass); err != nil {
			return front.Fail(http.StatusConflict, "%s", err.Error())
		}
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Service) resetState(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	if !front.CallerOf(r).Is("admin") {
		return front.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.")
	}
	var q struct {
		State string `json:"state"`
	}
	_ = json.Unmarshal(body, &q)
	if q.State != vmActive && q.State != vmError {
		return invalid("Invalid input for field/attribute state. Value: %s. '%s' is not one of ['active', 'error']", q.State, q.State)
	}
	v.VMState, v.TaskState, v.UpdatedAt = q.State, "", now()
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Service) addSecurityGroup(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	return s.changeGroups(w, r, v, body, true)
}

func (s *Service) removeSecurityGroup(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	return s.changeGroups(w, r, v, body, false)
}

func (s *Service) changeGroups(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage, add bool) error {
	var q struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(body, &q)
	c := front.CallerOf(r)
	if _, err := s.nets.SecurityGroupID(c, q.Name); err != nil {
		return front.Fail(http.StatusNotFound, "Security group %s not found for project %s.", q.Name, c.ProjectID)
	}
	groups := slices.DeleteFunc(slices.Clone(v.SecurityGroups), func(g string) bool { return g == q.Name })
	if add {
		groups = append(groups, q.Name)
	} else if len(groups) == len(v.SecurityGroups) {
		return front.Fail(http.StatusNotFound, "Security group %s not associated with the instance %s", q.Name, v.ID)
	}
	for _, p := range s.ports.PortsOf(v.ID) {
		if err := s.nets.SetSecurityGroups(c, p.ID, groups); err != nil {
			return err
		}
	}
	v.SecurityGroups = groups
	w.WriteHeader(http.StatusAccepted)
	return nil
}
