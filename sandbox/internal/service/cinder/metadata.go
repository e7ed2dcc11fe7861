package cinder

import (
	"maps"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func (s *Service) showMetadata(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.visible(r, "")
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata})
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

func (s *Service) changeMetadata(w http.ResponseWriter, r *http.Request,
	change func(old, given map[string]string) map[string]string,
) error {
	var q struct{ Metadata map[string]string }
	if err := decode(r, &q); err != nil {
		return err
	}
	if q.Metadata == nil {
		return answer.Fail(http.StatusBadRequest, "Invalid input for field/attribute metadata. 'metadata' is a required property")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, "volume:update_volume_metadata")
	if err != nil {
		return err
	}
	v.Metadata = change(v.Metadata, q.Metadata)
	answer.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata})
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
		return answer.Fail(http.StatusNotFound, "Volume %s has no metadata with key %s.", v.ID, key)
	}
	v.Metadata = maps.Clone(v.Metadata)
	delete(v.Metadata, key)
	done(w, http.StatusOK)
	return nil
}
