package cinder

import (
	"encoding/json"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

type actionFunc func(s *Service, w http.ResponseWriter, r *http.Request, args json.RawMessage) error

var actions = map[string]actionFunc{
	"os-volume_upload_image":  (*Service).uploadImage,
	"os-set_image_metadata":   (*Service).setImageMetadata,
	"os-unset_image_metadata": (*Service).unsetImageMetadata,
	"os-show_image_metadata":  (*Service).showImageMetadata,
	"os-set_bootable":         (*Service).setBootable,
	"os-extend":               (*Service).extend,
	"os-reset_status":         (*Service).resetStatus,
	"os-force_delete":         (*Service).forceDelete,
	"os-attach":               (*Service).attachByHand,
	"os-detach":               (*Service).detachByHand,
	"os-retype":               (*Service).retype,
	"os-reimage":              (*Service).reimage,
	"os-migrate_volume":       (*Service).migrate,
	"os-update_readonly_flag": (*Service).setReadOnly,
	"os-reserve":              shift("reserve", Reserved, Available),
	"os-unreserve":            shift("unreserve", Available, Reserved, Attaching),
	"os-begin_detaching":      shift("begin_detaching", Detaching, InUse),
	"os-roll_detaching":       shift("roll_detaching", InUse, Detaching),
}

// change runs an action that changes a volume at once.
func (s *Service) change(r *http.Request, action string, args json.RawMessage, q any, do func(v *Volume) error) error {
	if json.Unmarshal(args, q) != nil {
		return answer.Fail(http.StatusBadRequest, "Malformed request body")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, action)
	if err != nil {
		return err
	}
	return do(v)
}

func (s *Service) setBootable(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct{ Bootable bool }
	return s.change(r, "volume_extension:volume_actions:set_bootable", args, &q, func(v *Volume) error {
		v.Bootable = q.Bootable
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		return nil
	})
}

// migrate refuses to move a volume: there is no other host.
func (s *Service) migrate(_ http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct{ Host string }
	return s.change(r, "volume_extension:volume_admin_actions:migrate_volume", args, &q, func(*Volume) error {
		return answer.Fail(http.StatusBadRequest, "Invalid input received: No available service named cinder-volume on host %s", q.Host)
	})
}

// setReadOnly keeps the flag, among the metadata as Cinder does.
func (s *Service) setReadOnly(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct{ ReadOnly bool }
	return s.change(r, "volume:update_readonly_flag", args, &q, func(v *Volume) error {
		if v.Status != Available {
			return invalidVolume("Volume %s status must be available to update readonly flag, but current status is: %s.", v.ID, v.Status)
		}
		v.Metadata["readonly"] = map[bool]string{true: "True", false: "False"}[q.ReadOnly]
		w.WriteHeader(http.StatusAccepted)
		return nil
	})
}

func (s *Service) extend(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct {
		NewSize int `json:"new_size"`
	}
	return s.change(r, "volume:extend", args, &q, func(v *Volume) error {
		if v.Status != Available {
			return invalidVolume("Volume %s status must be 'available' to extend, currently %s.", v.ID, v.Status)
		}
		if q.NewSize <= v.Size {
			return invalid("New size for extend must be greater than current size. (current: %d, extended: %d).", v.Size, q.NewSize)
		}
		v.Size = q.NewSize
		w.WriteHeader(http.StatusAccepted)
		return nil
	})
}

func (s *Service) resetStatus(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct{ Status string }
	return s.change(r, "volume_extension:volume_admin_actions:reset_status", args, &q, func(v *Volume) error {
		if !front.CallerOf(r).Is("admin") {
			return answer.Fail(http.StatusForbidden,
				"Policy doesn't allow volume_extension:volume_admin_actions:reset_status to be performed.")
		}
		v.Status = q.Status
		w.WriteHeader(http.StatusAccepted)
		return nil
	})
}
