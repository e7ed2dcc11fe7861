package nova

import (
	"slices"

	"github.com/google/uuid"
)

// Fill adds many servers at once, for tests of scale. Their owner, state, flavor and times come from the records;
// they have no inside and no ports.
func (s *Service) Fill(servers []Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range servers {
		v := &servers[k]
		if v.ID == "" {
			v.ID = uuid.NewString()
		}
		if v.CreatedAt.IsZero() {
			v.CreatedAt = s.now()
		}
		if v.UpdatedAt.IsZero() {
			v.UpdatedAt = v.CreatedAt
		}
		if v.Flavor.ID == "" {
			v.Flavor = s.flavors[0]
		}
		if v.Metadata == nil {
			v.Metadata = map[string]string{}
		}
		v.LaunchedAt, v.Zone, v.number = v.CreatedAt, "nova", len(s.order)+1
		s.servers[v.ID], s.mapped[v.ID] = v, true
		s.order = append(s.order, v)
	}
	slices.SortStableFunc(s.order, func(a, b *Server) int { return a.CreatedAt.Compare(b.CreatedAt) })
}

// Hold notes a volume at a server, which the volume's service knows already.
func (s *Service) Hold(id string, a VolumeAttachment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.servers[id]; v != nil {
		v.Volumes = append(v.Volumes, a)
	}
}

// StateOf is the state of a server whose status is shown so, such as SHELVED_OFFLOADED; false if there is none.
func StateOf(status string) (vmState string, ok bool) {
	for state, shown := range statuses {
		if shown == status {
			return state, true
		}
	}
	return "", false
}
