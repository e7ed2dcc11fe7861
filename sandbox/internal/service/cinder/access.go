package cinder

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// visible finds a volume that the caller may see; write asks for the right to change it as well. The
// caller holds the lock.
func (s *Service) visible(r *http.Request, write string) (*Volume, error) {
	c := front.CallerOf(r)
	id := r.PathValue("id")
	v := s.volumes[id]
	if v == nil || !may(c, v.ProjectID) {
		return nil, notFound(id)
	}
	if write != "" {
		if err := writer(c, write); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// may reports whether the caller sees what a project owns.
func may(c front.Caller, project string) bool { return c.Is("admin") || c.ProjectID == project }
