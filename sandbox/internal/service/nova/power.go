package nova

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

func (s *Service) stop(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	if err := v.ready("stop", vmActive, vmError); err != nil {
		return err
	}
	s.note(v, w, r, "stop")
	v.TaskState, v.UpdatedAt = taskPoweringOff, s.now()
	s.begin(v, func(ctx context.Context) {
		if s.clock.Wait(ctx) != nil {
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

func (s *Service) start(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	if err := v.ready("start", vmStopped); err != nil {
		return err
	}
	s.note(v, w, r, "start")
	v.TaskState, v.UpdatedAt = taskPoweringOn, s.now()
	s.begin(v, func(ctx context.Context) {
		if s.clock.Wait(ctx) != nil {
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
	_ = s.step(ctx, v, func() { // nothing if the server is being deleted
		if err != nil {
			s.fail(v, http.StatusInternalServerError, err.Error())
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
		return invalid("Invalid input for field/attribute type. Value: %s. '%s' is not one of ['HARD', 'Hard', 'hard', 'SOFT', "+
			"'Soft', 'soft']", q.Type, q.Type)
	}
	if err := v.ready("reboot", states...); err != nil {
		return err
	}
	s.note(v, w, r, "reboot")
	v.TaskState, v.UpdatedAt = map[string]string{"SOFT": taskRebooting, "HARD": taskRebootHard}[kind], s.now()
	s.begin(v, func(ctx context.Context) {
		if s.clock.Wait(ctx) != nil {
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
