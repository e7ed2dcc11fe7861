package cinder

import (
	"slices"

	"github.com/google/uuid"
)

// Fill adds many volumes at once, for tests of scale; their content is blank.
func (s *Service) Fill(volumes []Volume) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range volumes {
		v := &volumes[k]
		if v.ID == "" {
			v.ID = uuid.NewString()
		}
		if v.CreatedAt.IsZero() {
			v.CreatedAt = s.clock.Now()
		}
		if v.Status == "" {
			v.Status = Available
		}
		if v.Metadata == nil {
			v.Metadata = map[string]string{}
		}
		v.UpdatedAt, v.Zone, v.Size = v.CreatedAt, Zone, max(v.Size, 1)
		s.volumes[v.ID] = v
		s.order = append(s.order, v)
	}
	slices.SortStableFunc(s.order, func(a, b *Volume) int { return a.CreatedAt.Compare(b.CreatedAt) })
}
