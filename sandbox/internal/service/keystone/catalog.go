package keystone

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) authCatalog(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	if c.ProjectID == "" {
		return answer.Fail(http.StatusForbidden, "You are not authorized to perform the requested action.")
	}
	answer.JSON(w, http.StatusOK, map[string]any{
		"catalog": s.catalogFor(c.ProjectID, r),
		"links":   map[string]any{"self": front.Base(r) + r.URL.Path},
	})
	return nil
}

func (s *Service) listServices(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "list_services"); err != nil {
		return err
	}
	var out []map[string]any
	for _, e := range s.catalog {
		if wanted(r.URL.Query(), map[string]string{"type": e.Type, "name": e.Name}) {
			out = append(out, map[string]any{"id": e.Type, "type": e.Type, "name": e.Name, "enabled": true})
		}
	}
	collection(w, r, "services", out)
	return nil
}

func (s *Service) listEndpoints(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "list_endpoints"); err != nil {
		return err
	}
	var out []map[string]any
	for _, e := range s.catalog {
		for _, face := range []string{"public", "internal", "admin"} {
			out = append(out, map[string]any{
				"id": e.Type + "-" + face, "service_id": e.Type, "interface": face, "region": Region, "region_id": Region,
				"enabled": true, "url": "http://" + r.Host + strings.ReplaceAll(e.Path, "%s", "%(project_id)s"),
			})
		}
	}
	collection(w, r, "endpoints", out)
	return nil
}

func (s *Service) listRegions(w http.ResponseWriter, r *http.Request) error {
	collection(w, r, "regions", []map[string]any{{"id": Region, "description": "", "parent_region_id": nil}})
	return nil
}

// Endpoint is a service in the catalog.
type Endpoint struct {
	Type, Name string
	Path       string // below the sandbox's URL; "%s" stands for the project's id
}

// catalogFor lists the endpoints as a project sees them, at the host that the request was sent to.
func (s *Service) catalogFor(project string, r *http.Request) []map[string]any {
	out := []map[string]any{}
	for _, e := range s.catalog {
		path := e.Path
		if strings.Contains(path, "%s") {
			if project == "" {
				continue
			}
			path = fmt.Sprintf(path, project)
		}
		id := fmt.Sprintf("%x", e.Type+e.Name)
		var endpoints []map[string]any
		for _, face := range []string{"public", "internal", "admin"} {
			endpoints = append(endpoints, map[string]any{
				"id": id + face, "interface": face, "region": Region, "region_id": Region, "url": "http://" + r.Host + path,
			})
		}
		out = append(out, map[string]any{"id": id, "type": e.Type, "name": e.Name, "endpoints": endpoints})
	}
	return out
}
