package nova

import (
	"maps"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func (s *Service) showMetadata(w http.ResponseWriter, _ *http.Request, v *Server) error {
	answer.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata})
	return nil
}

// setMetadata changes a server's metadata and lets answer tell of it.
func (s *Service) setMetadata(r *http.Request, rule string, change func(old map[string]string) (map[string]string, error),
	show func(*Server),
) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.own(r, "server-metadata:"+rule)
	if err != nil {
		return err
	}
	m, err := change(maps.Clone(v.Metadata))
	if err != nil {
		return err
	}
	if err := s.checkMetadata(m); err != nil {
		return err
	}
	if v.VMState == vmBuilding || v.TaskState == taskDeleting {
		return answer.Fail(http.StatusConflict, "Cannot 'update metadata' instance %s while it is in vm_state %s", v.ID, v.VMState)
	}
	v.Metadata, v.UpdatedAt = m, s.now()
	show(v)
	return nil
}

func (s *Service) addMetadata(w http.ResponseWriter, r *http.Request) error {
	given, err := decode[map[string]string](r, "metadata")
	if err != nil {
		return err
	}
	return s.setMetadata(r, "create", func(old map[string]string) (map[string]string, error) {
		maps.Copy(old, given)
		return old, nil
	}, func(v *Server) { answer.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata}) })
}

func (s *Service) replaceMetadata(w http.ResponseWriter, r *http.Request) error {
	given, err := decode[map[string]string](r, "metadata")
	if err != nil {
		return err
	}
	return s.setMetadata(r, "update_all", func(map[string]string) (map[string]string, error) { return given, nil },
		func(v *Server) { answer.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata}) })
}

func (s *Service) showMetadataItem(w http.ResponseWriter, r *http.Request, v *Server) error {
	key := r.PathValue("key")
	value, ok := v.Metadata[key]
	if !ok {
		return answer.Fail(http.StatusNotFound, "Metadata item was not found")
	}
	answer.JSON(w, http.StatusOK, map[string]any{"meta": map[string]string{key: value}})
	return nil
}

func (s *Service) setMetadataItem(w http.ResponseWriter, r *http.Request) error {
	given, err := decode[map[string]string](r, "meta")
	if err != nil {
		return err
	}
	value, ok := given[r.PathValue("key")]
	if !ok || len(given) != 1 {
		return invalid("Request body and URI mismatch")
	}
	return s.setMetadata(r, "update", func(old map[string]string) (map[string]string, error) {
		old[r.PathValue("key")] = value
		return old, nil
	}, func(*Server) { answer.JSON(w, http.StatusOK, map[string]any{"meta": given}) })
}

func (s *Service) deleteMetadataItem(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	return s.setMetadata(r, "delete", func(old map[string]string) (map[string]string, error) {
		if _, ok := old[key]; !ok {
			return nil, answer.Fail(http.StatusNotFound, "Metadata item was not found")
		}
		delete(old, key)
		return old, nil
	}, func(*Server) { w.WriteHeader(http.StatusNoContent) })
}
