package listed

import (
	"net/http"
	"net/url"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
)

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
		style: resource.Style{Full: true, Next: func(r *http.Request, k *resource.Kind, q url.Values) (string, any) {
			key := k.Plural + "_links"
			if k.Name == "flavorprofile" {
				key = "flavorprofile_links" // unlike Octavia's other lists
			}
			return key, []map[string]any{{"rel": "next", "href": front.Base(r) + r.URL.Path + "?" + q.Encode()}}
		}},
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
