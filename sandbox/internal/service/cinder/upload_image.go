package cinder

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

type uploadRequest struct {
	ImageName       string `json:"image_name"`
	DiskFormat      string `json:"disk_format"`
	ContainerFormat string `json:"container_format"`
	Visibility      string `json:"visibility"`
	Protected       bool   `json:"protected"`
	Force           bool   `json:"force"`
}

func (s *Service) uploadImage(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q uploadRequest
	var body map[string]any
	err := s.change(r, "volume_extension:volume_actions:upload_image", args, &q, func(v *Volume) error {
		if q.ImageName == "" {
			return answer.Fail(http.StatusBadRequest,
				"Invalid input for field/attribute os-volume_upload_image. Value: {'force': %s}. 'image_name' is a required property",
				pythonBool(q.Force))
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
			"id": v.ID, "image_id": image, "image_name": q.ImageName, "status": Uploading, "size": v.Size,
			"volume_type":      s.typeRecord(v.Type),
			"container_format": orDefault(q.ContainerFormat, "bare"), "disk_format": orDefault(q.DiskFormat, "raw"),
			"display_description": orNull(v.Description), "visibility": visibility, "protected": protected,
			"updated_at": stamp(s.clock.Now()),
		}
		return nil
	})
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusAccepted, map[string]any{"os-volume_upload_image": body})
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
			return "", answer.Fail(http.StatusForbidden, "Attribute '%s' is reserved.", k)
		}
		if !slices.Contains(core, k) {
			spec.Properties[k] = value
		}
	}
	v.addKey(&spec)
	if visibility == glance.Public && !front.CallerOf(r).Is("admin") {
		return "", answer.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:volume_actions:upload_public to be performed.")
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
