package listed

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
)

func trove() *service {
	return &service{
		endpoint: keystone.Endpoint{Type: "database", Name: "trove", Path: "/database/v1.0/%s"}, prefix: "/database", fail: answer.Nova,
		style: resource.Style{MaxPage: -1},
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
				Shape: func(_ *http.Request, row *resource.Row, body map[string]any) {
					if tags, _ := row.Values["image_tags"].([]string); len(tags) == 0 {
						body["image_tags"] = []string{""} // a text that was split at its commas
					}
				},
			}}
		},
	}
}
