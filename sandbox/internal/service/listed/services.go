package listed

import (
	"net/http"
	"net/url"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
)

// services make a service by its name.
var services = map[string]func() *service{"heat": heat, "magnum": magnum, "octavia": octavia, "trove": trove}

func heat() *service {
	return &service{
		endpoint: keystone.Endpoint{Type: "orchestration", Name: "heat", Path: "/orchestration/v1/%s"}, prefix: "/orchestration",
		fail: func(w http.ResponseWriter, _ *http.Request, status int, message string) {
			answer.JSON(w, status, map[string]any{
				"code": status, "title": http.StatusText(status), "explanation": message,
				"error": map[string]any{"type": http.StatusText(status), "message": message, "traceback": nil},
			})
		},
		style: resource.Style{
			Detail: true, Full: true, Sort: "creation_time:desc", Next: links,
		},
		tables: func(*service) []*resource.Table {
			t := &resource.Table{
				Kind: resource.Kind{Name: "stack", Plural: "stacks", Path: "/stacks"},
				Fields: []resource.Field{
					{Name: "stack_name"},
					{Name: "stack_status", Default: "CREATE_COMPLETE"},
					{Name: "description"},
					{Name: "parameters", Type: resource.Any},
					{Name: "creation_time", Type: resource.Time},
				},
				Everyones: func(c front.Caller, q url.Values) (bool, error) {
					everyones := q.Get("global_tenant") == "true" || q == nil
					if everyones && q != nil && !c.Is("admin") {
						return false, answer.Fail(http.StatusForbidden, "You are not authorized to use global_index.")
					}
					return everyones, nil
				},
				Shape: func(_ *http.Request, row *resource.Row, body map[string]any) { body["project"] = row.Project },
			}
			t.Brief = func(r *http.Request, o resource.Object) map[string]any {
				b := o.Body(r)
				delete(b, "parameters") // only a stack alone tells them
				return b
			}
			return []*resource.Table{t}
		},
	}
}

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

// administrators is Table.Everyones of lists that others may not read.
func administrators(c front.Caller, _ url.Values) (bool, error) {
	if !c.Is("admin") {
		return false, answer.Fail(http.StatusForbidden, "Policy does not allow this request to be performed.")
	}
	return true, nil
}

func octavia() *service {
	return &service{
		endpoint: keystone.Endpoint{Type: "load-balancer", Name: "octavia", Path: "/load-balancer"}, prefix: "/load-balancer",
		fail: func(w http.ResponseWriter, _ *http.Request, status int, message string) {
			answer.JSON(w, status, map[string]any{"faultcode": "Client", "faultstring": message, "debuginfo": nil})
		},
		tables: func(*service) []*resource.Table {
			return []*resource.Table{
				{
					Kind: resource.Kind{Name: "amphora", Plural: "amphorae", Path: "/v2/octavia/amphorae"},
					Fields: []resource.Field{
						{Name: "status", Default: "ALLOCATED"},
						{Name: "image_id", Null: true},
						{Name: "compute_id", Null: true},
						{Name: "loadbalancer_id", Null: true},
						{Name: "created_at", Type: resource.Time},
					},
					Everyones: administrators,
				},
				{
					Kind: resource.Kind{Name: "flavorprofile", Plural: "flavorprofiles", Path: "/v2/lbaas/flavorprofiles"},
					Fields: []resource.Field{
						{Name: "name"},
						{Name: "provider_name", Default: "amphora"},
						{Name: "flavor_data", Default: "{}"},
					},
					Everyones: administrators,
				},
			}
		},
	}
}

func trove() *service {
	return &service{
		endpoint: keystone.Endpoint{Type: "database", Name: "trove", Path: "/database/v1.0/%s"}, prefix: "/database", fail: answer.Nova,
		style: resource.Style{Next: links},
		tables: func(*service) []*resource.Table {
			return []*resource.Table{{
				Kind: resource.Kind{Name: "version", Plural: "versions", Path: "/mgmt/datastore-versions"},
				Fields: []resource.Field{
					{Name: "name"},
					{Name: "datastore_name"},
					{Name: "image", Null: true},
					{Name: "image_tags", Type: resource.Texts},
					{Name: "active", Type: resource.Flag, Default: true},
				},
				Everyones: administrators,
			}}
		},
	}
}
