package share

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// project is what Keystone says of a project; known is false if it may not be asked.
type project struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	DomainID string `json:"domain_id"`
	Enabled  bool   `json:"enabled"`
	known    bool
	gone     bool
}

// ghost says why a project can't use what is shared with it, "" if it can or nobody knows.
func (p project) ghost() string {
	switch {
	case p.gone:
		return "the project does not exist"
	case p.known && !p.Enabled:
		return "the project is disabled"
	}
	return ""
}

// projects remembers what Keystone said, and that it refuses to say anything.
type projects struct {
	mu      sync.Mutex
	byID    map[string]project
	refused bool
}

// looksLikeID fits the ids that Keystone gives, with and without the dashes of a UUID.
var looksLikeID = regexp.MustCompile(`^[0-9a-fA-F]{32}$|^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// project asks Keystone about a project by its id. That it may not be asked is no error.
func (s *Tenancy) project(ctx context.Context, id string) (project, error) {
	if id == s.Project.ID {
		return project{ID: id, Name: s.Project.Name, DomainID: s.Project.DomainID, Enabled: true, known: true}, nil
	}
	s.projects.mu.Lock()
	p, ok := s.projects.byID[id]
	refused := s.projects.refused
	s.projects.mu.Unlock()
	if ok || refused {
		return p, nil
	}
	var answer struct{ Project project }
	err := s.keystone(ctx, "projects/"+url.PathEscape(id), &answer)
	p = answer.Project
	p.known = err == nil
	s.projects.mu.Lock()
	defer s.projects.mu.Unlock()
	switch {
	case fault.Is(err, fault.Forbidden):
		s.projects.refused = true
		return project{ID: id}, nil
	case fault.Is(err, fault.NotFound):
		p = project{ID: id, known: true, gone: true}
	case err != nil:
		return p, fmt.Errorf("looking up project %q at %s: %w", id, s, err)
	}
	if s.projects.byID == nil {
		s.projects.byID = map[string]project{}
	}
	s.projects.byID[id] = p
	return p, nil
}

// find resolves a project's id or name as a user gives it.
func (s *Tenancy) find(ctx context.Context, idOrName string, anyProject bool) (project, error) {
	if anyProject {
		return project{ID: idOrName}, nil
	}
	id := looksLikeID.MatchString(idOrName)
	p, err := s.project(ctx, idOrName)
	switch {
	case err != nil:
		return p, err
	case p.known && !p.gone:
		return p, usable(p)
	case !p.known && id:
		return project{ID: idOrName}, nil
	case !p.known:
		return p, fault.New(fault.Forbidden, "give the project's id, which has 32 hexadecimal digits",
			"the project %q can't be verified: the credentials of %s may not look projects up", idOrName, s)
	}
	return s.named(ctx, idOrName)
}

func (s *Tenancy) named(ctx context.Context, name string) (project, error) {
	var list struct{ Projects []project }
	if err := s.keystone(ctx, "projects?"+url.Values{"name": {name}}.Encode(), &list); err != nil {
		return project{}, fmt.Errorf("looking up project %q at %s: %w", name, s, err)
	}
	switch len(list.Projects) {
	case 0:
		return project{}, fault.New(fault.NotFound, "check its id or name", "%s has no project %q", s, name)
	case 1:
		p := list.Projects[0]
		p.known = true
		return p, usable(p)
	}
	var lines []string
	for _, p := range list.Projects {
		lines = append(lines, fmt.Sprintf("  %s  in domain %s", p.ID, p.DomainID))
	}
	return project{}, fault.New(fault.Ambiguous, "give the id", "%d projects of %s are named %q:\n%s", len(lines), s, name,
		strings.Join(lines, "\n"))
}

func usable(p project) error {
	if p.Enabled {
		return nil
	}
	return fault.New(fault.Conflict, "enable it first", "the project %q (%s) is disabled: images shared with it couldn't be used", p.Name,
		p.ID)
}

func (s *Tenancy) keystone(ctx context.Context, path string, into any) error {
	resp, err := s.identity.Get(ctx, s.identity.Endpoint+path, into, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	return cloud.Classify(err)
}
