package cinder

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Volume returns a copy of a volume, whoever may see it.
func (s *Service) Volume(id string) (Volume, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.volumes[id]
	if !ok {
		return Volume{}, false
	}
	return v.clone(), true
}

// Visible returns a copy of a volume if the caller may see it.
func (s *Service) Visible(caller front.Caller, id string) (Volume, bool) {
	v, ok := s.Volume(id)
	return v, ok && may(caller, v.ProjectID)
}

// Reserve keeps a volume for a server that is going to attach it.
func (s *Service) Reserve(id string) error {
	return s.move(id, Reserved, Available)
}

// Unreserve takes a reservation back.
func (s *Service) Unreserve(id string) error {
	return s.move(id, Available, Reserved, Attaching)
}

func (s *Service) move(id, to string, from ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.volumes[id]
	if v == nil {
		return notFound(id)
	}
	if !slices.Contains(from, v.Status) {
		return invalidVolume("Volume %s status must be %s, but current status is: %s.", id, from[0], v.Status)
	}
	v.Status, v.UpdatedAt = to, s.clock.Now()
	return nil
}

// Attach connects a volume with a server as a device such as /dev/vda.
func (s *Service) Attach(id, serverID, device string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.volumes[id]
	if v == nil {
		return notFound(id)
	}
	if !slices.Contains([]string{Available, Reserved, Attaching}, v.Status) && (!v.Multiattach || v.Status != InUse) {
		return invalidVolume("Volume %s status must be available, but current status is: %s.", id, v.Status)
	}
	v.Attachments = append(v.Attachments, Attachment{uuid.NewString(), serverID, device, s.clock.Now(), ""})
	v.Status, v.UpdatedAt = InUse, s.clock.Now()
	return nil
}

// Detach takes a volume from a server; it does nothing where they are not connected.
func (s *Service) Detach(id, serverID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.volumes[id]
	if v == nil {
		return
	}
	v.Attachments = slices.DeleteFunc(v.Attachments, func(a Attachment) bool { return a.ServerID == serverID })
	if len(v.Attachments) == 0 && slices.Contains([]string{InUse, Detaching, Attaching, Reserved}, v.Status) {
		v.Status, v.UpdatedAt = Available, s.clock.Now()
	}
}

// SetStatus changes a volume's status, for tests.
func (s *Service) SetStatus(id, status string) error {
	if _, ok := s.Volume(id); !ok {
		return answer.Fail(http.StatusNotFound, "Volume %s could not be found.", id)
	}
	s.setStatus(id, status)
	return nil
}
