package listed

import (
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
)

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
