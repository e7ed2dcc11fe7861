package cinder

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
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
}

// change runs an action that changes a volume at once.
func (s *Service) change(r *http.Request, action string, args json.RawMessage, q any, do func(v *Volume) error) error {
	if json.Unmarshal(args, q) != nil {
		return front.Fail(http.StatusBadRequest, "Malformed request body")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, action)
	if err != nil {
		return err
	}
	return do(v)
}

type uploadRequest struct {
	ImageName       string `json:"image_name"`
	DiskFormat      string `json:"disk_format"`
	ContainerFormat string `json:"container_format"`
	Visibility      string `json:"visibility"`
	Protected       bool   `json:"protected"`
	Force           bool   `json:"force"`
}

// core are the image metadata that describe the source and not what is made of it.
var core = []string{"image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk", "min_ram", "size", "virtual_size"}

func (s *Service) uploadImage(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q uploadRequest
	var body map[string]any
	err := s.change(r, "volume_extension:volume_actions:upload_image", args, &q, func(v *Volume) error {
		if q.ImageName == "" {
			return front.Fail(http.StatusBadRequest, "Invalid input for field/attribute os-volume_upload_image. Value: {'force': %s}. 'image_name' is a required property", pythonBool(q.Force))
		}
		if v.Status != Available && (!q.Force || v.Status != InUse) {
			return invalidVolume("Volume %s status must be available", v.ID)
		}
		visibility, protected := glance.Shared, false
		if atLeast(r, 1) {
			visibility, protected = orDefault(q.Visibility, glance.Private), q.Protected
		}
		image, err := s.newImage(r, v, q, visibility, protected)
		if err != nil {
			return err
		}
		before := v.Status
		v.Status = Uploading
		id := v.ID
		s.clock.After(func(ctx context.Context) { s.upload(ctx, id, image, before) })
		body = map[string]any{
			"id": v.ID, "image_id": image, "image_name": q.ImageName, "status": Uploading, "size": v.Size, "volume_type": typeRecord(v.Type),
			"container_format": orDefault(q.ContainerFormat, "bare"), "disk_format": orDefault(q.DiskFormat, "raw"),
			"display_description": orNull(v.Description), "visibility": visibility, "protected": protected, "updated_at": stamp(time.Now()),
		}
		return nil
	})
	if err != nil {
		return err
	}
	front.JSON(w, http.StatusAccepted, map[string]any{"os-volume_upload_image": body})
	return nil
}

// newImage creates the record of an image that a volume is uploaded to. As Cinder did until Yoga, it
// passes on names that Glance reserves, and so fails where an imported source has left some.
func (s *Service) newImage(r *http.Request, v *Volume, q uploadRequest, visibility string, protected bool) (string, error) {
	spec := glance.Spec{
		Name: q.ImageName, DiskFormat: orDefault(q.DiskFormat, "raw"), ContainerFormat: orDefault(q.ContainerFormat, "bare"),
		Properties: map[string]string{}, Visibility: visibility, Protected: protected,
	}
	for k, value := range v.ImageMetadata {
		if strings.HasPrefix(k, "os_glance") {
			return "", front.Fail(http.StatusForbidden, "Attribute '%s' is reserved.", k)
		}
		if !slices.Contains(core, k) {
			spec.Properties[k] = value
		}
	}
	if visibility == glance.Public && !front.CallerOf(r).Is("admin") {
		return "", front.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:volume_actions:upload_public to be performed.")
	}
	return s.images.CreateQueued(front.CallerOf(r), spec)
}

// upload copies a volume's content into an image and puts the volume back into its state of before.
func (s *Service) upload(ctx context.Context, id, image, before string) {
	body, _, err := s.Open(id)
	if err == nil {
		err = s.images.Upload(image, body)
		body.Close()
	}
	if err != nil {
		_ = s.images.SetStatus(image, glance.Killed) // gone already, if this fails
	}
	if s.clock.Wait(ctx) == nil {
		s.setStatus(id, before)
	}
}

func pythonBool(v bool) string {
	if v {
		return "True"
	}
	return "False"
}

func orDefault(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}

func (s *Service) setImageMetadata(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct{ Metadata map[string]string }
	return s.change(r, "volume_extension:volume_image_metadata:set", args, &q, func(v *Volume) error {
		next := maps.Clone(v.ImageMetadata)
		if next == nil {
			next = map[string]string{}
		}
		maps.Copy(next, q.Metadata)
		v.ImageMetadata = next
		front.JSON(w, http.StatusOK, map[string]any{"metadata": next})
		return nil
	})
}

func (s *Service) unsetImageMetadata(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct{ Key string }
	return s.change(r, "volume_extension:volume_image_metadata:remove", args, &q, func(v *Volume) error {
		if _, ok := v.ImageMetadata[q.Key]; !ok {
			return front.Fail(http.StatusNotFound, "Glance metadata for volume/snapshot %s cannot be found.", v.ID)
		}
		v.ImageMetadata = maps.Clone(v.ImageMetadata)
		delete(v.ImageMetadata, q.Key)
		done(w, http.StatusOK)
		return nil
	})
}

func (s *Service) showImageMetadata(w http.ResponseWriter, r *http.Request, _ json.RawMessage) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.visible(r, "")
	if err != nil {
		return err
	}
	front.JSON(w, http.StatusOK, map[string]any{"metadata": v.clone().ImageMetadata})
	return nil
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
			return front.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:volume_admin_actions:reset_status to be performed.")
		}
		v.Status = q.Status
		w.WriteHeader(http.StatusAccepted)
		return nil
	})
}

func (s *Service) forceDelete(w http.ResponseWriter, r *http.Request, _ json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, "volume_extension:volume_admin_actions:force_delete")
	if err != nil {
		return err
	}
	if !front.CallerOf(r).Is("admin") {
		return front.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:volume_admin_actions:force_delete to be performed.")
	}
	if err := s.delete(v, []string{v.Status}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
