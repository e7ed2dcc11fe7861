package nova

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// locked finds the request's server for a change that is made without the lock, in one of the states.
func (s *Service) locked(r *http.Request, rule, action string, states ...string) (*Server, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, err := s.own(r, rule)
	if err != nil {
		return nil, err
	}
	return v, v.ready(action, states...)
}

// reading serves what only reads the server that the path names; it holds the lock meanwhile.
func (s *Service) reading(h func(http.ResponseWriter, *http.Request, *Server) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		s.mu.RLock()
		defer s.mu.RUnlock()
		v, err := s.visible(front.CallerOf(r), r.PathValue("id"))
		if err != nil {
			return err
		}
		return h(w, r, v)
	}
}

// visible finds a server that the caller may see. The caller holds the lock.
func (s *Service) visible(c front.Caller, id string) (*Server, error) {
	v := s.servers[id]
	if v == nil || v.ProjectID != c.ProjectID && !c.Is("admin") {
		return nil, answer.Fail(http.StatusNotFound, "Instance %s could not be found.", id)
	}
	return v, nil
}

// writer refuses those who may only read.
func writer(c front.Caller, rule string) error {
	if c.Is("member") || c.Is("admin") {
		return nil
	}
	return answer.Fail(http.StatusForbidden, "Policy doesn't allow %s to be performed.", rule)
}

// own finds the request's server for a change. The caller holds the lock.
func (s *Service) own(r *http.Request, rule string) (*Server, error) {
	c := front.CallerOf(r)
	v, err := s.visible(c, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return v, writer(c, "os_compute_api:"+rule)
}
