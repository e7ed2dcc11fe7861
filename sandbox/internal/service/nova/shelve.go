package nova

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// shelve puts a server's disk into an image, then lets the server go from its host, as Nova does at once by
// default. A server that boots from a volume needs no image.
func (s *Service) shelve(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	if err := v.ready("shelve", vmActive, vmStopped, vmPaused, vmSuspended); err != nil {
		return err
	}
	image := ""
	if v.ImageID != "" {
		c := front.CallerOf(r)
		var err error
		if image, err = s.images.CreateQueued(c, s.snapshotSpec(c, v, v.Name+"-shelved")); err != nil {
			return err
		}
	}
	s.note(v, w, r, "shelve")
	v.TaskState, v.UpdatedAt = "shelving", s.now()
	s.begin(v, func(ctx context.Context) {
		s.halt(ctx, v)
		if image != "" {
			if err := s.snapshot(ctx, v, image); err != nil {
				_ = s.images.Delete(image)
				s.finish(ctx, v, err)
				return
			}
		}
		if s.step(ctx, v, func() { v.VMState, v.TaskState, v.PowerState, v.shelved = vmShelved, "", powerShutdown, image }) != nil {
			return
		}
		if s.clock.Wait(ctx) == nil {
			_ = s.reach(ctx, v, turns["shelveOffload"])
		}
	})
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// unshelve brings a shelved server back, which needs the image that it was put into.
func (s *Service) unshelve(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	if err := v.ready("unshelve", vmShelved, vmOffloaded); err != nil {
		return err
	}
	s.note(v, w, r, "unshelve")
	v.TaskState, v.UpdatedAt = "unshelving", s.now()
	s.begin(v, func(ctx context.Context) {
		if s.clock.Wait(ctx) != nil {
			return
		}
		image := ""
		s.change(v, func() { image, v.shelved = v.shelved, "" })
		if image != "" {
			if _, ok := s.images.Image(image); !ok {
				const words = "Unshelve attempted but the image %s cannot be found."
				s.finish(ctx, v, fmt.Errorf(words, image)) //nolint:staticcheck // Nova's words
				return
			}
		}
		if s.reach(ctx, v, turn{to: vmActive, power: powerRunning, inside: bootInside}) == nil && image != "" {
			_ = s.images.Delete(image)
		}
	})
	w.WriteHeader(http.StatusAccepted)
	return nil
}
