package nova

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

const taskRebuilding = "rebuilding"

// rebuild gives a server a new disk from an image; name and metadata may change as well.
func (s *Service) rebuild(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	var q struct {
		ImageRef string            `json:"imageRef"`
		Name     string            `json:"name"`
		Metadata map[string]string `json:"metadata"`
		Password string            `json:"adminPass"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return invalid("Invalid input for field/attribute rebuild. %s", err.Error())
	}
	if uuid.Validate(q.ImageRef) != nil {
		return invalid("Invalid input for field/attribute imageRef. Value: %[1]s. '%[1]s' is not a 'uuid'", q.ImageRef)
	}
	if err := v.ready("rebuild", vmActive, vmStopped, vmError); err != nil {
		return err
	}
	if v.ImageID == "" && minor(r) < 93 {
		return invalid("Unable to rebuild with a different image for a volume-backed server.")
	}
	if err := s.checkImage(front.CallerOf(r), v.Flavor, q.ImageRef, v.ImageID != ""); err != nil {
		return err
	}
	if err := s.checkMetadata(q.Metadata); err != nil {
		return err
	}
	s.note(v, w, r, "rebuild")
	if v.ImageID != "" {
		v.ImageID = q.ImageRef
	}
	if q.Name != "" {
		v.Name = q.Name
	}
	if q.Metadata != nil {
		v.Metadata = q.Metadata
	}
	end := turn{to: vmActive, power: powerRunning, inside: bootInside}
	if v.VMState == vmStopped {
		end = turn{to: vmStopped, power: powerShutdown}
	}
	v.TaskState, v.UpdatedAt = taskRebuilding, s.now()
	s.begin(v, func(ctx context.Context) {
		if s.clock.Wait(ctx) != nil {
			return
		}
		if g := s.take(v); g != nil {
			g.Kill()
		}
		_ = host.Remove(s.dir(v.ID))
		s.change(v, func() { v.Fault = nil })
		_ = s.reach(ctx, v, end)
	})
	answer.JSON(w, http.StatusAccepted, map[string]any{"server": s.rebuilt(r, v, q.Password)})
	return nil
}

// rebuilt is the answer to a rebuild: until 2.75, less than a server shows otherwise.
func (s *Service) rebuilt(r *http.Request, v *Server, password string) map[string]any {
	b := s.body(r, v)
	if b["adminPass"] = password; password == "" {
		b["adminPass"] = v.password
	}
	if minor(r) >= 75 {
		return b
	}
	for key := range b {
		if strings.HasPrefix(key, "OS-EXT-") || strings.HasPrefix(key, "OS-SRV-USG:") {
			delete(b, key)
		}
	}
	for _, key := range []string{"config_drive", "security_groups", "os-extended-volumes:volumes_attached"} {
		delete(b, key)
	}
	if minor(r) < 54 {
		delete(b, "key_name")
	}
	return b
}

// resize gives a server another flavor, which waits to be confirmed.
func (s *Service) resize(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	var q struct {
		FlavorRef string `json:"flavorRef"`
	}
	_ = json.Unmarshal(body, &q)
	f, ok := s.flavor(q.FlavorRef)
	if !ok {
		return invalid("Flavor %s could not be found.", q.FlavorRef)
	}
	if f.ID == v.Flavor.ID {
		return invalid("When resizing, instances must change flavor!")
	}
	if err := v.ready("resize", vmActive, vmStopped); err != nil {
		return err
	}
	if _, ok := s.images.Image(v.ImageID); v.ImageID != "" && !ok {
		return answer.Fail(http.StatusBadRequest, "Image %s could not be found.", v.ImageID)
	}
	s.note(v, w, r, "resize")
	old := v.Flavor
	v.before = &old
	v.Flavor = f
	s.migrated(r, v, "resize", "finished")
	s.turn(v, turn{task: "resize_prep", to: vmResized, power: powerRunning})
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Service) revertResize(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	if err := v.ready("revertResize", vmResized); err != nil {
		return err
	}
	s.note(v, w, r, "revertResize")
	s.settled(v, "reverted")
	if v.before != nil {
		v.Flavor = *v.before
	}
	s.turn(v, turn{task: "resize_reverting", to: vmActive, power: powerRunning})
	w.WriteHeader(http.StatusAccepted)
	return nil
}
