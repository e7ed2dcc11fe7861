package nova

import (
	"net/http"
)

// The rules for a cell that doesn't answer are those of Nova's guide "Handling Down Cells".

// CellDown makes the cell of the servers stop answering.
func (s *Service) CellDown(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if v := s.servers[id]; v != nil {
			v.unreachable = true
		}
	}
}

// partial reports whether a list has a server of a cell that doesn't answer: only lists of a project or all projects
// do, whole and in no special order, from microversion 2.69 on.
func (f filter) partial(v *Server, m int) bool {
	if m < 69 || f.deleted || f.project != "" && v.ProjectID != f.project {
		return false
	}
	for key := range f.query {
		switch key {
		case "all_tenants", "project_id", "tenant_id", "deleted":
		default:
			return false
		}
	}
	return true
}

// partialBody is what Nova knows of a server without its cell.
func partialBody(r *http.Request, v *Server, detail bool) map[string]any {
	b := map[string]any{"id": v.ID, "status": "UNKNOWN", "links": links(r, v.ID)}
	if detail {
		b["tenant_id"], b["created"] = v.ProjectID, stamp(v.CreatedAt)
	}
	return b
}
