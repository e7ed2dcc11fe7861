package keystone

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) listDomains(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "list_domains"); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []map[string]any
	for _, d := range sortedBy(s.domains, func(d *Domain) string { return d.Name }) {
		if wanted(r.URL.Query(), map[string]string{"name": d.Name, "enabled": strconv.FormatBool(d.Enabled)}) {
			out = append(out, domainBody(r, d))
		}
	}
	collection(w, r, "domains", out)
	return nil
}

func (s *Service) showDomain(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := front.CallerOf(r)
	d := s.domains[r.PathValue("id")]
	if !c.Is(RoleAdmin) && (d == nil || d.ID != c.DomainID) {
		return notAllowed("get_domain")
	}
	if d == nil {
		return answer.Fail(http.StatusNotFound, "Could not find domain: %s.", r.PathValue("id"))
	}
	answer.JSON(w, http.StatusOK, map[string]any{"domain": domainBody(r, d)})
	return nil
}

func domainBody(r *http.Request, d *Domain) map[string]any {
	return map[string]any{
		"id": d.ID, "name": d.Name, "enabled": d.Enabled, "description": "", "options": map[string]any{},
		"tags": []string{}, "links": self(r, "domains", d.ID),
	}
}

// Domain is a domain.
type Domain struct {
	ID, Name string
	Enabled  bool
}

// AddDomain returns the domain of a name, made if need be.
func (s *Service) AddDomain(name string) Domain {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.domains {
		if strings.EqualFold(d.Name, name) {
			return *d
		}
	}
	d := &Domain{ID: newID(), Name: name, Enabled: true}
	s.domains[d.ID] = d
	return *d
}

func (s *Service) findDomain(r *ref) *Domain {
	if r == nil {
		return nil
	}
	if r.ID != "" {
		return s.domains[r.ID]
	}
	for _, d := range s.domains {
		if strings.EqualFold(d.Name, r.Name) {
			return d
		}
	}
	return nil
}

func (s *Service) domainRef(id string) map[string]any {
	name := ""
	if d := s.domains[id]; d != nil {
		name = d.Name
	}
	return map[string]any{"id": id, "name": name}
}
