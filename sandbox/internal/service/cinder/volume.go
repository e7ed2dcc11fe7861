package cinder

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// size is a size in GiB, which clients send as number, text or null.
type size int

// UnmarshalJSON takes 8, "8" and null.
func (n *size) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" {
		return nil
	}
	v, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return front.Fail(http.StatusBadRequest, "Invalid input for field/attribute size. Value: %[1]s. '%[1]s' does not match '^[0-9]+$'", text)
	case v < 1:
		return front.Fail(http.StatusBadRequest, "Invalid input for field/attribute size. Value: %[1]d. %[1]d is less than the minimum of 1", v)
	}
	*n = size(v)
	return nil
}

func (s *Service) createVolume(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	if err := writer(c, "volume:create"); err != nil {
		return err
	}
	var q struct {
		Volume *struct {
			Name, Description string
			Size              size
			Type              string `json:"volume_type"`
			Zone              string `json:"availability_zone"`
			ImageRef          string `json:"imageRef"`
			ImageID           string `json:"image_id"`
			SnapshotID        string `json:"snapshot_id"`
			SourceVolumeID    string `json:"source_volid"`
			Metadata          map[string]string
			Multiattach       bool
		} `json:"volume"`
	}
	if err := decode(r, &q); err != nil {
		return err
	}
	if q.Volume == nil {
		return front.Fail(http.StatusBadRequest, "'volume' is a required property")
	}
	v := q.Volume
	image := v.ImageRef
	if image == "" {
		image = v.ImageID
	}
	made, err := s.Create(c, Spec{
		Name: v.Name, Description: v.Description, Size: int(v.Size), Type: v.Type, Zone: v.Zone, Metadata: v.Metadata,
		ImageID: image, SnapshotID: v.SnapshotID, SourceVolumeID: v.SourceVolumeID, Multiattach: v.Multiattach,
	})
	if err != nil {
		return err
	}
	body := made.summary(r)
	body["updated_at"], body["bootable"] = nil, "false" // what it will be nobody knows yet
	delete(body, "volume_image_metadata")
	front.JSON(w, http.StatusAccepted, map[string]any{"volume": body})
	return nil
}

// decode reads a request's body; what is wrong with it is the client's fault.
func decode(r *http.Request, v any) error {
	err := front.Decode(r, v)
	if p, ok := errors.AsType[*front.Problem](err); ok {
		return p
	}
	if err != nil {
		return front.Fail(http.StatusBadRequest, "Malformed request body")
	}
	return nil
}

func (s *Service) updateVolume(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Volume struct {
			Name, Description *string
			Metadata          map[string]string
		}
	}
	if err := decode(r, &q); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, "volume:update")
	if err != nil {
		return err
	}
	if q.Volume.Name != nil {
		v.Name = *q.Volume.Name
	}
	if q.Volume.Description != nil {
		v.Description = *q.Volume.Description
	}
	if q.Volume.Metadata != nil {
		v.Metadata = q.Volume.Metadata
	}
	v.UpdatedAt = time.Now()
	front.JSON(w, http.StatusOK, map[string]any{"volume": v.summary(r)})
	return nil
}

func (s *Service) deleteVolume(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, "volume:delete")
	if err != nil {
		return err
	}
	if err := s.delete(v, deletable); err != nil {
		return err
	}
	done(w, http.StatusAccepted)
	return nil
}

func (s *Service) showMetadata(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.visible(r, "")
	if err != nil {
		return err
	}
	front.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata})
	return nil
}

func (s *Service) addMetadata(w http.ResponseWriter, r *http.Request) error {
	return s.changeMetadata(w, r, func(old, given map[string]string) map[string]string {
		merged := maps.Clone(old)
		maps.Copy(merged, given)
		return merged
	})
}

func (s *Service) replaceMetadata(w http.ResponseWriter, r *http.Request) error {
	return s.changeMetadata(w, r, func(_, given map[string]string) map[string]string { return given })
}

func (s *Service) changeMetadata(w http.ResponseWriter, r *http.Request, change func(old, given map[string]string) map[string]string) error {
	var q struct{ Metadata map[string]string }
	if err := decode(r, &q); err != nil {
		return err
	}
	if q.Metadata == nil {
		return front.Fail(http.StatusBadRequest, "Invalid input for field/attribute metadata. 'metadata' is a required property")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, "volume:update_volume_metadata")
	if err != nil {
		return err
	}
	v.Metadata = change(v.Metadata, q.Metadata)
	front.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata})
	return nil
}

func (s *Service) removeMetadata(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, "volume:delete_volume_metadata")
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	if _, ok := v.Metadata[key]; !ok {
		return front.Fail(http.StatusNotFound, "Volume %s has no metadata with key %s.", v.ID, key)
	}
	v.Metadata = maps.Clone(v.Metadata)
	delete(v.Metadata, key)
	done(w, http.StatusOK)
	return nil
}

// action serves POST /volumes/{id}/action: the body's one member says which.
func (s *Service) action(w http.ResponseWriter, r *http.Request) error {
	var q map[string]json.RawMessage
	if err := decode(r, &q); err != nil {
		return err
	}
	for name, args := range q {
		do, ok := actions[name]
		if !ok {
			return front.Fail(http.StatusBadRequest, "There is no such action: %s. Verify the request body and Content-Type header and try again.", name)
		}
		return do(s, w, r, args)
	}
	return front.Fail(http.StatusBadRequest, "There is no action in the request's body.")
}
