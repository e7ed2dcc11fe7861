package nova

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// rescue has a server run for repair. Its inside stays what it is: there is no second disk.
func (s *Service) rescue(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	if err := v.ready("rescue", vmActive, vmStopped, vmError); err != nil {
		return err
	}
	var q struct {
		Password string `json:"adminPass"`
	}
	_ = json.Unmarshal(body, &q) // null is no password
	if q.Password == "" {
		q.Password = strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
	}
	s.note(v, w, r, "rescue")
	s.turn(v, turn{task: "rescuing", to: vmRescued, power: powerRunning})
	answer.JSON(w, http.StatusOK, map[string]any{"adminPass": q.Password})
	return nil
}

// noConsole refuses to show a server's screen: it has none.
func noConsole(*http.Request, front.Caller) (int, any, error) {
	return 0, nil, invalid("Unavailable console type novnc.")
}

// backup makes an image of a server, and removes the oldest of its kind beyond the rotation.
func (s *Service) backup(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	var q struct {
		Name     string            `json:"name"`
		Kind     string            `json:"backup_type"`
		Rotation any               `json:"rotation"`
		Metadata map[string]string `json:"metadata"`
	}
	if json.Unmarshal(body, &q) != nil || q.Kind == "" || q.Rotation == nil {
		return invalid("Invalid input for field/attribute createBackup. 'name', 'backup_type' and 'rotation' are required properties")
	}
	if err := v.ready("createBackup", vmActive, vmStopped, vmPaused, vmSuspended); err != nil {
		return err
	}
	metadata := map[string]string{"image_type": "backup", "backup_type": q.Kind}
	maps.Copy(metadata, q.Metadata)
	args, err := json.Marshal(map[string]any{"name": q.Name, "metadata": metadata})
	if err != nil {
		return err
	}
	return s.createImage(w, r, v, args)
}
