package keystone

import (
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// Endpoint is a service in the catalog.
type Endpoint struct {
	Type, Name string
	Path       string // below the sandbox's URL; "%s" stands for the project's id
}

// offer puts the sandbox's own services into the catalog.
func (s *Service) offer(all []Endpoint) {
	s.regions.Add(Region, "", nil)
	for _, e := range all {
		service := s.services.Add("", "", map[string]any{"type": e.Type, "name": e.Name})
		for _, face := range []string{"public", "internal", "admin"} {
			s.endpoints.Add("", "", map[string]any{
				"service_id": service.ID(), "interface": face, "region_id": Region, "region": Region,
				"url": strings.ReplaceAll(e.Path, "%s", "%(project_id)s"),
			})
		}
	}
}

func (s *Service) authCatalog(r *http.Request, c front.Caller) (int, any, error) {
	if c.ProjectID == "" {
		return 0, nil, answer.Fail(http.StatusForbidden, "You are not authorized to perform the requested action.")
	}
	return http.StatusOK, map[string]any{
		"catalog": s.catalogFor(c.ProjectID, r), "links": map[string]any{"self": front.Base(r) + r.URL.Path},
	}, nil
}

func (s *Service) checkEndpoint(_ *http.Request, _ front.Caller, row *resource.Row) error {
	if s.services.Row(row.Text("service_id")) == nil {
		return notFound("service", row.Text("service_id"))
	}
	region := row.Text("region_id")
	if region == "" {
		region = row.Text("region")
	}
	row.Set("region_id", region)
	row.Set("region", region)
	if region != "" && s.regions.Row(region) == nil {
		s.regions.Add(region, "", nil)
	}
	return nil
}

func (s *Service) shapeEndpoint(r *http.Request, row *resource.Row, body map[string]any) {
	body["links"], body["url"] = self(r, "endpoints", row.ID()), address(r, row)
}

// address is an endpoint's: those of the sandbox itself are at the host that the request was sent to.
func address(r *http.Request, row *resource.Row) string {
	if url := row.Text("url"); !strings.HasPrefix(url, "/") {
		return url
	}
	return "http://" + r.Host + row.Text("url")
}

func (s *Service) endService(row *resource.Row) (bool, error) {
	for _, e := range slices.Clone(s.endpoints.Rows()) {
		if e.Text("service_id") == row.ID() {
			s.endpoints.Forget(e.ID())
		}
	}
	return false, nil
}

// catalogFor lists the services as a project sees them.
func (s *Service) catalogFor(project string, r *http.Request) []map[string]any {
	out := []map[string]any{}
	for _, service := range s.services.Rows() {
		var endpoints []map[string]any
		for _, e := range s.endpoints.Rows() {
			url := address(r, e)
			if e.Text("service_id") != service.ID() || project == "" && strings.Contains(url, "%(") || !e.Flag("enabled") {
				continue
			}
			endpoints = append(endpoints, map[string]any{
				"id": e.ID(), "interface": e.Text("interface"), "region": e.Text("region_id"), "region_id": e.Text("region_id"),
				"url": strings.NewReplacer("%(project_id)s", project, "%(tenant_id)s", project).Replace(url),
			})
		}
		if len(endpoints) > 0 && service.Flag("enabled") {
			out = append(out, map[string]any{
				"id": service.ID(), "type": service.Text("type"), "name": service.Text("name"), "endpoints": endpoints,
			})
		}
	}
	return out
}

// offering is an endpoint that a project has besides the catalog's.
type offering struct{ endpoint, project string }

// projectEndpoint serves the calls about one offering.
func (s *Service) projectEndpoint(r *http.Request, c front.Caller) (int, any, error) {
	at := offering{r.PathValue("endpoint"), r.PathValue("project")}
	switch {
	case !c.Is(RoleAdmin):
		return 0, nil, notAllowed("add_endpoint_to_project")
	case s.projects.Row(at.project) == nil:
		return 0, nil, notFound("project", at.project)
	case s.endpoints.Row(at.endpoint) == nil, r.Method != http.MethodPut && !s.offerings[at]:
		return 0, nil, notFound("endpoint", at.endpoint)
	case r.Method == http.MethodPut:
		s.offerings[at] = true
	case r.Method == http.MethodDelete:
		delete(s.offerings, at)
	}
	return http.StatusNoContent, nil, nil
}

func (s *Service) projectEndpoints(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is(RoleAdmin) {
		return 0, nil, notAllowed("list_endpoints_for_project")
	}
	return http.StatusOK, listed(r, s.endpoints, func(row *resource.Row) bool {
		return s.offerings[offering{row.ID(), r.PathValue("project")}]
	}), nil
}
