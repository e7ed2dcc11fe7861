package glance

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) deactivate(w http.ResponseWriter, r *http.Request) error {
	return s.switchTo(w, r, Deactivated, "deactivate", Active)
}

func (s *Service) reactivate(w http.ResponseWriter, r *http.Request) error {
	return s.switchTo(w, r, Active, "reactivate", Deactivated)
}

func (s *Service) switchTo(w http.ResponseWriter, r *http.Request, to, action, from string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.lookupOwn(front.CallerOf(r), r.PathValue("id"), action)
	if err != nil {
		return err
	}
	if i.Status != from && i.Status != to {
		return answer.Fail(http.StatusForbidden, "Not allowed to %s image in status '%s'", action, i.Status)
	}
	i.Status, i.UpdatedAt = to, s.now()
	noContent(w)
	return nil
}
