package listed

import (
	"net/http"
	"net/url"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
)

func magnum() *service {
	return &service{
		endpoint: keystone.Endpoint{Type: "container-infra", Name: "magnum", Path: "/container-infra/v1"}, prefix: "/container-infra",
		fail: func(w http.ResponseWriter, _ *http.Request, status int, message string) {
			answer.JSON(w, status, map[string]any{"errors": []map[string]any{{
				"code": "", "status": status, "title": http.StatusText(status), "detail": message, "links": []any{},
				"request_id": front.RequestID(w),
			}}})
		},
		style: resource.Style{
			Detail: true, Bare: true, Full: true,
			Next: func(r *http.Request, _ *resource.Kind, q url.Values) (string, any) {
				return "next", front.Base(r) + r.URL.Path + "?" + q.Encode()
			},
		},
		tables: func(*service) []*resource.Table {
			return []*resource.Table{{
				Kind: resource.Kind{Name: "clustertemplate", Plural: "clustertemplates", Path: "/v1/clustertemplates"},
				Fields: []resource.Field{
					{Name: "name"},
					{Name: "image_id"},
					{Name: "coe", Default: "kubernetes"},
					{Name: "public", Type: resource.Flag},
					{Name: "created_at", Type: resource.Time},
				},
				Sees: func(c front.Caller, row *resource.Row) bool {
					return c.Is("admin") || c.ProjectID == row.Project || row.Values["public"] == true
				},
				Everyones: func(front.Caller, url.Values) (bool, error) { return true, nil }, // as far as one sees them
				Shape: func(_ *http.Request, row *resource.Row, body map[string]any) {
					body["uuid"], body["project_id"] = row.ID(), row.Project
					delete(body, "id")
				},
			}}
		},
	}
}
