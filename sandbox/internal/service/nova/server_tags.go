package nova

import (
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

const maxTags = 50

func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return invalid("The number of tags exceeded the per-server limit %d", maxTags)
	}
	for _, t := range tags {
		switch {
		case t == "" || len(t) > 60:
			return invalid("Tag '%s' is invalid. It must be a string without characters '/' and ','. Validation error message: '%s' "+
				"is too long", t, t)
		case strings.ContainsAny(t, "/,"):
			return invalid("Tag '%s' is invalid. It must be a string without characters '/' and ','.", t)
		}
	}
	return nil
}

// tagged finds a server for the tags' API, which there is from 2.26 on.
func (s *Service) tagged(r *http.Request, write bool) (*Server, error) {
	if minor(r) < 26 {
		return nil, answer.Fail(http.StatusNotFound, "The resource could not be found.")
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
	answer.JSON(w, http.StatusOK, map[string]any{"tags": list(v.Tags)})
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
	answer.JSON(w, http.StatusOK, map[string]any{"tags": list(v.Tags)})
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
	return answer.Fail(http.StatusNotFound, "Server %s has no tag '%s'", v.ID, r.PathValue("tag"))
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
