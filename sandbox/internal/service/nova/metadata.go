package nova

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) showMetadata(w http.ResponseWriter, _ *http.Request, v *Server) error {
	front.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata})
	return nil
}

// setMetadata changes a server's metadata and lets answer tell of it.
func (s *Service) setMetadata(r *http.Request, rule string, change func(old map[string]string) (map[string]string, error), answer func(*Server)) error {
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
		return front.Fail(http.StatusConflict, "Cannot 'update metadata' instance %s while it is in vm_state %s", v.ID, v.VMState)
	}
	v.Metadata, v.UpdatedAt = m, now()
	answer(v)
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
	}, func(v *Server) { front.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata}) })
}

func (s *Service) replaceMetadata(w http.ResponseWriter, r *http.Request) error {
	given, err := decode[map[string]string](r, "metadata")
	if err != nil {
		return err
	}
	return s.setMetadata(r, "update_all", func(map[string]string) (map[string]string, error) { return given, nil },
		func(v *Server) { front.JSON(w, http.StatusOK, map[string]any{"metadata": v.Metadata}) })
}

func (s *Service) showMetadataItem(w http.ResponseWriter, r *http.Request, v *Server) error {
	key := r.PathValue("key")
	value, ok := v.Metadata[key]
	if !ok {
		return front.Fail(http.StatusNotFound, "Metadata item was not found")
	}
	front.JSON(w, http.StatusOK, map[string]any{"meta": map[string]string{key: value}})
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
	}, func(*Server) { front.JSON(w, http.StatusOK, map[string]any{"meta": given}) })
}

func (s *Service) deleteMetadataItem(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	return s.setMetadata(r, "delete", func(old map[string]string) (map[string]string, error) {
		if _, ok := old[key]; !ok {
			return nil, front.Fail(http.StatusNotFound, "Metadata item was not found")
		}
		delete(old, key)
		return old, nil
	}, func(*Server) { w.WriteHeader(http.StatusNoContent) })
}

const maxTags = 50

func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return invalid("The number of tags exceeded the per-server limit %d", maxTags)
	}
	for _, t := range tags {
		switch {
		case t == "" || len(t) > 60:
			return invalid("Tag '%s' is invalid. It must be a string without characters '/' and ','. Validation error message: '%s' is too long", t, t)
		case strings.ContainsAny(t, "/,"):
			return invalid("Tag '%s' is invalid. It must be a string without characters '/' and ','.", t)
		}
	}
	return nil
}

// tagged finds a server for the tags' API, which there is from 2.26 on.
func (s *Service) tagged(r *http.Request, write bool) (*Server, error) {
	if minor(r) < 26 {
		return nil, front.Fail(http.StatusNotFound, "The resource could not be found.")
	}
	if write {
		return s.own(r, "os-server-tags:update")
	}
	return s.visible(front.CallerOf(r), r.PathValue("id"))
}

func (s *Service) listTags(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.tagged(r, false)
	if err != nil {
		return err
	}
	front.JSON(w, http.StatusOK, map[string]any{"tags": list(v.Tags)})
	return nil
}

func (s *Service) replaceTags(w http.ResponseWriter, r *http.Request) error {
	tags, err := decode[[]string](r, "tags")
	if err != nil {
		return err
	}
	if err := checkTags(tags); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.tagged(r, true)
	if err != nil {
		return err
	}
	v.Tags = tags
	front.JSON(w, http.StatusOK, map[string]any{"tags": list(v.Tags)})
	return nil
}

func (s *Service) deleteTags(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.tagged(r, true)
	if err != nil {
		return err
	}
	v.Tags = nil
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) checkTag(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.tagged(r, false)
	if err != nil {
		return err
	}
	if !slices.Contains(v.Tags, r.PathValue("tag")) {
		return noTag(v, r)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func noTag(v *Server, r *http.Request) error {
	return front.Fail(http.StatusNotFound, "Server %s has no tag '%s'", v.ID, r.PathValue("tag"))
}

func (s *Service) addTag(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.tagged(r, true)
	if err != nil {
		return err
	}
	if slices.Contains(v.Tags, r.PathValue("tag")) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	tags := append(slices.Clone(v.Tags), r.PathValue("tag"))
	if err := checkTags(tags); err != nil {
		return err
	}
	v.Tags = tags
	w.Header().Set("Location", selfLink(r, v.ID)+"/tags/"+r.PathValue("tag"))
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (s *Service) deleteTag(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.tagged(r, true)
	if err != nil {
		return err
	}
	i := slices.Index(v.Tags, r.PathValue("tag"))
	if i < 0 {
		return noTag(v, r)
	}
	v.Tags = slices.Delete(slices.Clone(v.Tags), i, i+1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
