package usage

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// picture is a cloud's images that were made from servers.
type picture struct {
	*answer
	fleet *fleet
	of    map[string]string // server by image
}

// askImages reads the images, which name others: their kernel, their ramdisk, and what they were made from.
func (c *collection) askImages(from *cloud.Cloud, fleet *fleet) {
	p := &picture{answer: c.source(Images, from), fleet: fleet}
	c.pictures = append(c.pictures, p)
	c.wait.Go(func() {
		c.read(p.answer, from.Image, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			if !from.IsAdmin() {
				p.State = Limited
				p.Detail = fmt.Sprintf("only those that project %q (%s) sees", from.Project().Name, from.Project().ID)
			}
			restart := func() {
				p.restart()
				p.of = map[string]string{}
				if c.Restart != nil {
					c.Restart()
				}
			}
			everything := glance.Query{Visibility: "all", MemberStatus: "all", BothHidden: true}
			return glance.New(sc).EachImage(ctx, everything, restart, func(images []*glance.Image) {
				for _, i := range images {
					p.take(i)
					if c.EachImage != nil {
						c.EachImage(i)
					}
				}
			})
		})
	})
}

func (p *picture) take(i *glance.Image) {
	use := Use{Kind: Image, ID: i.ID, Name: i.Name, Project: i.Owner, Evidence: "status " + i.Status}
	for _, name := range []string{Kernel, Ramdisk, Base} {
		if id := i.Properties[name]; glance.IsID(id) && key(id) != key(i.ID) {
			use.How, use.Weak = name, name == Base // a snapshot has all data
			p.byID(id, use)
		}
	}
	if server := i.Properties["instance_uuid"]; server != "" {
		p.of[key(i.ID)] = server
	}
	var devices []struct {
		Image string `json:"image_id"`
	}
	mapping := i.Properties["block_device_mapping"]
	if mapping == "" || json.Unmarshal([]byte(mapping), &devices) != nil {
		return // users can write anything there, which Nova then doesn't boot
	}
	use.How, use.Weak = "block_device_mapping", false
	for _, d := range devices {
		if glance.IsID(d.Image) {
			p.byID(d.Image, use)
		}
	}
}
