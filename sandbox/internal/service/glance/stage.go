package glance

import (
	"net/http"
)

func (s *Service) stage(w http.ResponseWriter, r *http.Request) error {
	id, err := s.receivable(r)
	if err != nil {
		return err
	}
	if err := s.transit(id, Uploading, Queued); err != nil {
		return err
	}
	_, size, err := s.write(s.staging(id), id, r.Body)
	if err != nil {
		_ = s.SetStatus(id, Queued)
		return err
	}
	if err := s.Update(id, func(i *Image) { i.Size, i.staged = size, true }); err != nil {
		return err
	}
	noContent(w)
	return nil
}

// within refuses data for an image whose owner is over its limit.
func (s *Service) within(id string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, ok := s.images.byID[id]
	if !ok || s.quotas.MiBTotal == 0 {
		return nil
	}
	if have := int(s.used(i.Owner) >> 20); have > s.quotas.MiBTotal {
		return overProject(i.Owner, "image_size_total", s.quotas.MiBTotal, have, 0)
	}
	return nil
}
