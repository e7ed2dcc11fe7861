package cinder

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// core are the image metadata that describe the source and not what is made of it.
var core = []string{"image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk", "min_ram", "size", "virtual_size"}

func (s *Service) setImageMetadata(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct{ Metadata map[string]string }
	return s.change(r, "volume_extension:volume_image_metadata:set", args, &q, func(v *Volume) error {
		next := maps.Clone(v.ImageMetadata)
		if next == nil {
			next = map[string]string{}
		}
		maps.Copy(next, q.Metadata)
		v.ImageMetadata = next
		answer.JSON(w, http.StatusOK, map[string]any{"metadata": next})
		return nil
	})
}

func (s *Service) unsetImageMetadata(w http.ResponseWriter, r *http.Request, args json.RawMessage) error {
	var q struct{ Key string }
	return s.change(r, "volume_extension:volume_image_metadata:remove", args, &q, func(v *Volume) error {
		if _, ok := v.ImageMetadata[q.Key]; !ok {
			return answer.Fail(http.StatusNotFound, "Glance metadata for volume/snapshot %s cannot be found.", v.ID)
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
	answer.JSON(w, http.StatusOK, map[string]any{"metadata": v.clone().ImageMetadata})
	return nil
}
