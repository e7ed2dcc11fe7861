package cinder

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// shift is an action that only moves a volume from some states to another.
func shift(action, to string, from ...string) actionFunc {
	return func(s *Service, w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
		return s.change(r, "volume_extension:volume_actions:"+action, args, new(any), func(v *Volume) error {
			if !slices.Contains(from, v.Status) {
				return invalidVolume("Volume %s status must be %s, but current status is: %s.", v.ID, from[0], v.Status)
			}
			v.Status, v.UpdatedAt = to, s.clock.Now()
			w.WriteHeader(http.StatusAccepted)
			return nil
		})
	}
}

// attachByHand and detachByHand say that something else has connected a volume.
func (s *Service) attachByHand(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct {
		Server string `json:"instance_uuid"`
		Device string `json:"mountpoint"`
	}
	return s.change(r, "volume_extension:volume_actions:attach", args, &q, func(v *Volume) error {
		if !slices.Contains([]string{Available, Reserved, Attaching}, v.Status) {
			return invalidVolume("Volume %s status must be available, but current status is: %s.", v.ID, v.Status)
		}
		v.Attachments = append(v.Attachments, Attachment{uuid.NewString(), q.Server, q.Device, s.clock.Now(), ""})
		v.Status, v.UpdatedAt = InUse, s.clock.Now()
		w.WriteHeader(http.StatusAccepted)
		return nil
	})
}

func (s *Service) detachByHand(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct {
		Attachment string `json:"attachment_id"`
	}
	return s.change(r, "volume_extension:volume_actions:detach", args, &q, func(v *Volume) error {
		v.Attachments = slices.DeleteFunc(v.Attachments, func(a Attachment) bool { return q.Attachment == "" || a.ID == q.Attachment })
		if len(v.Attachments) == 0 {
			v.Status, v.UpdatedAt = Available, s.clock.Now()
		}
		w.WriteHeader(http.StatusAccepted)
		return nil
	})
}

func (s *Service) retype(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct {
		Type string `json:"new_type"`
	}
	return s.change(r, "volume:retype", args, &q, func(v *Volume) error {
		name, err := s.typeName(q.Type)
		if err != nil {
			return err
		}
		v.Type, v.UpdatedAt = name, s.clock.Now()
		w.WriteHeader(http.StatusAccepted)
		return nil
	})
}

// reimage writes an image over a volume.
func (s *Service) reimage(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct {
		Image string `json:"image_id"`
	}
	c := front.CallerOf(r)
	return s.change(r, "volume:reimage", args, &q, func(v *Volume) error {
		if v.Status != Available && v.Status != Error {
			return invalidVolume("Volume %s status must be available, but current status is: %s.", v.ID, v.Status)
		}
		if err := s.describe(c, v, q.Image); err != nil {
			return err
		}
		id := v.ID
		v.Status = Downloading
		s.clock.After(func(ctx context.Context) {
			s.fill(ctx, id, func() (body io.ReadCloser, err error) {
				body, _, err = s.images.Open(q.Image)
				return body, err
			})
		})
		w.WriteHeader(http.StatusAccepted)
		return nil
	})
}

// recordAction serves the actions of snapshots and backups that change their state.
func (s *Service) recordAction(t *resource.Table) resource.Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		row := t.Row(r.PathValue("id"))
		if row == nil || !may(c, row.Project) {
			return 0, nil, answer.Fail(http.StatusNotFound, "%s %s could not be found.", title(&t.Kind), r.PathValue("id"))
		}
		var q map[string]struct{ Status string }
		if err := decode(r, &q); err != nil {
			return 0, nil, err
		}
		for action, of := range q {
			if !c.Is("admin") {
				return 0, nil, answer.Fail(http.StatusForbidden,
					"Policy doesn't allow volume_extension:%s_admin_actions:%s to be performed.", t.Name, action)
			}
			switch action {
			case "os-reset_status", "os-update_snapshot_status":
				row.Set("status", of.Status)
			case "os-force_delete":
				row.Set("status", Error)
				return http.StatusAccepted, nil, t.Delete(row.ID())
			default:
				return 0, nil, answer.Fail(http.StatusBadRequest, "There is no such action: %s.", action)
			}
		}
		return http.StatusAccepted, nil, nil
	}
}
