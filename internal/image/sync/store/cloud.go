package store

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Cloud is the Glance of another cloud, of which some images are wanted, by their exact names. Owner is
// the project that they have to belong to, "" for any.
type Cloud struct {
	Name   string
	Images *glance.Client
	Owner  string
	Wanted []string
}

// Offers implements Store.
func (c *Cloud) Offers(ctx context.Context) ([]*Offer, error) {
	var offers []*Offer
	for _, name := range c.Wanted {
		found, err := c.Images.Images(ctx, glance.Query{Name: name, Owner: c.Owner, Status: glance.StatusActive})
		if err != nil {
			return nil, err
		}
		o := &Offer{Name: name, From: c.Name}
		img, err := glance.Only(found, "of the name "+name+" in cloud "+c.Name, fault.Advise("check the name"),
			fault.Advise("name its owner"))
		if o.Problem = err; err == nil {
			o.ID, o.Release, o.Source = img.ID, short(upload.SumsOf(img).Best()), upload.Stored(c.Images, img)
			o.Image = upload.Image{MinDisk: img.MinDisk, MinRAM: img.MinRAM, Tags: img.Tags, Properties: map[string]string{}}
			for k, v := range img.Properties {
				if glance.Copyable(k) {
					o.Image.Properties[k] = v
				}
			}
			if needs := img.Tied(); needs != "" {
				o.Problem = fault.New(fault.Conflict, "", "a copy would be of no use: it needs %s, which can't be copied", needs)
			}
		}
		offers = append(offers, o)
	}
	return checked(offers), nil
}
