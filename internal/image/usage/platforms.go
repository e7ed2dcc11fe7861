package usage

import (
	"context"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/magnum"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/octavia"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/trove"
)

// askClusterTemplates reads what Magnum's clusters boot when they grow.
func (c *collection) askClusterTemplates(from *cloud.Cloud) {
	a := c.source(ClusterTemplates, from)
	c.wait.Go(func() {
		c.read(a, from.ContainerInfra, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			if !from.IsAdmin() {
				a.limit(from)
			}
			return magnum.EachClusterTemplate(ctx, sc, a.restart, func(templates []magnum.ClusterTemplate) error {
				for _, t := range templates {
					a.reference(t.Image, Use{Kind: ClusterTemplate, ID: t.ID, Name: t.Name, Project: t.ProjectID, How: "image_id"})
				}
				return nil
			})
		})
	})
}

// askBalancers reads what Octavia's load balancers were booted from, and the tags by which it finds images
// for new ones.
func (c *collection) askBalancers(from *cloud.Cloud) {
	amphorae, profiles := c.source(Amphorae, from), c.source(FlavorProfiles, from)
	c.wait.Go(func() {
		c.read(amphorae, from.LoadBalancer, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			return octavia.EachAmphora(ctx, sc, amphorae.restart, func(page []octavia.Amphora) error {
				for _, o := range page {
					amphorae.reference(o.Image, Use{
						Kind: Amphora, ID: o.ID, How: Boots,
						Evidence: "status " + o.Status + ", load balancer " + o.BalancerID,
					})
				}
				return nil
			})
		})
		c.read(profiles, from.LoadBalancer, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			return octavia.EachFlavorProfile(ctx, sc, profiles.restart, func(page []octavia.FlavorProfile) error {
				for _, p := range page {
					tag, err := p.ImageTag()
					if err != nil {
						return err
					}
					profiles.byTags([]string{tag}, Use{
						Kind: FlavorProfile, ID: p.ID, Name: p.Name, How: Tagged, Evidence: "amp_image_tag " + tag,
					})
				}
				return nil
			})
		})
	})
}

// askDatabases reads what Trove's databases boot.
func (c *collection) askDatabases(from *cloud.Cloud) {
	a := c.source(DatastoreVersions, from)
	c.wait.Go(func() {
		c.read(a, from.Database, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			return trove.EachDatastoreVersion(ctx, sc, a.restart, func(versions []trove.DatastoreVersion) error {
				for _, v := range versions {
					use := Use{Kind: DatastoreVersion, ID: v.ID, Name: v.Datastore + " " + v.Name, How: "image"}
					a.reference(v.Image, use)
					use.How, use.Evidence = Tagged, "image_tags "+strings.Join(v.Tags, ", ")
					a.byTags(v.Tags, use)
				}
				return nil
			})
		})
	})
}
