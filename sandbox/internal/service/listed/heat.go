package listed

import (
	"net/http"
	"net/url"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
)

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
