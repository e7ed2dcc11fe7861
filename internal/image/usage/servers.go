package usage

import (
	"context"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// fleet is what other sources need to know of a cloud's servers: those that boot from volumes, and the
// shelved ones.
type fleet struct {
	volumeBooted map[string]machine // by id
	shelved      map[string]machine
}

type machine struct{ name, project, status string }

func (m machine) use(id, how, evidence string) Use {
	return Use{Kind: Server, ID: id, Name: m.name, Project: m.project, How: how, Evidence: evidence}
}

// askServers reads the servers in all states, deleted ones that can be restored included.
func (c *collection) askServers(from *cloud.Cloud) *fleet {
	f := &fleet{}
	live, deleted := c.source(Servers, from), c.source(SoftDeletedServers, from)
	c.wait.Go(func() {
		c.read(live, from.Compute, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			return f.list(ctx, from, sc, live, nova.Query{})
		})
		c.read(deleted, from.Compute, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			return f.list(ctx, from, sc, deleted, nova.Query{SoftDeleted: true})
		})
	})
	return f
}

// list reads the servers of all projects, or the project's own if the user may not.
func (f *fleet) list(ctx context.Context, from *cloud.Cloud, sc *gophercloud.ServiceClient, a *answer, q nova.Query) error {
	q.AllProjects = true
	err := f.each(ctx, sc, a, q)
	if !fault.Is(err, fault.Forbidden) || from.Project().ID == "" {
		return err
	}
	q.AllProjects = false
	if own := f.each(ctx, sc, a, q); own != nil {
		return err // the first refusal says more
	}
	a.limit(from)
	return nil
}

func (f *fleet) each(ctx context.Context, sc *gophercloud.ServiceClient, a *answer, q nova.Query) error {
	restart := func() {
		a.restart()
		if !q.SoftDeleted {
			f.volumeBooted, f.shelved = map[string]machine{}, map[string]machine{}
		}
	}
	return nova.EachServer(ctx, sc, q, restart, func(servers []nova.Server) error {
		for _, s := range servers {
			f.take(a, s)
		}
		return nil
	})
}

func (f *fleet) take(a *answer, s nova.Server) {
	m := machine{s.Name, s.ProjectID, s.Status}
	if s.Image.ID != "" {
		a.byID(s.Image.ID, m.use(s.ID, Boots, "status "+s.Status))
	}
	if len(s.Volumes) > 0 {
		f.volumeBooted[s.ID] = m
	}
	if strings.HasPrefix(s.Status, "SHELVED") {
		f.shelved[s.ID] = m
	}
}
