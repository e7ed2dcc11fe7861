package nova

import (
	"context"
	"encoding/json"
	"net/http"
)

// turn is an action that takes a server from one state to another.
type turn struct {
	from   []string
	task   string
	to     string
	power  int
	inside insideDo
}

// insideDo is what an action does to a server's inside.
type insideDo int

const (
	leaveInside insideDo = iota
	stopInside
	bootInside
)

// turns are the actions that are nothing else, by their names.
var turns = map[string]turn{
	"pause":         {[]string{vmActive}, "pausing", vmPaused, powerPaused, leaveInside},
	"unpause":       {[]string{vmPaused}, "unpausing", vmActive, powerRunning, leaveInside},
	"suspend":       {[]string{vmActive}, "suspending", vmSuspended, powerShutdown, stopInside},
	"resume":        {[]string{vmSuspended}, "resuming", vmActive, powerRunning, bootInside},
	"shelveOffload": {[]string{vmShelved}, "shelving_offloading", vmOffloaded, powerShutdown, stopInside},
	"confirmResize": {[]string{vmResized}, "", vmActive, powerRunning, leaveInside},
	"unrescue":      {[]string{vmRescued}, "unrescuing", vmActive, powerRunning, leaveInside},
	"restore":       {[]string{vmSoftDeleted}, "restoring", vmActive, powerRunning, bootInside},
}

func (t turn) act(name string) act {
	return func(s *Service, w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
		if err := v.ready(name, t.from...); err != nil {
			return err
		}
		s.note(v, w, r, name)
		if name == "confirmResize" {
			s.settled(v, "confirmed")
		}
		s.turn(v, t)
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
}

// turn begins to take a server to another state. The caller holds the lock.
func (s *Service) turn(v *Server, t turn) {
	v.TaskState, v.UpdatedAt = t.task, s.now()
	s.begin(v, func(ctx context.Context) {
		if s.clock.Wait(ctx) != nil {
			return
		}
		_ = s.reach(ctx, v, t)
	})
}

// reach takes a server to the state at once.
func (s *Service) reach(ctx context.Context, v *Server, t turn) error {
	switch t.inside {
	case stopInside:
		s.halt(ctx, v)
	case bootInside:
		if err := s.boot(ctx, v); err != nil {
			s.finish(ctx, v, err)
			return err
		}
	case leaveInside:
	}
	return s.step(ctx, v, func() { v.VMState, v.TaskState, v.PowerState = t.to, "", t.power })
}

// halt ends the server's inside, at the latest by force, and keeps what it had.
func (s *Service) halt(ctx context.Context, v *Server) {
	if g := s.take(v); g != nil {
		end, cancel := context.WithTimeout(ctx, s.o.ShutdownTimeout)
		defer cancel()
		_ = g.Stop(end)
	}
	_ = s.saveRoot(ctx, v)
}
