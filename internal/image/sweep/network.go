package sweep

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// findPorts lists the project's ports that have a run's marks in their descriptions. An
// administrator is shown all projects' ports, unless the project is asked for.
func findPorts(ctx context.Context, c *cloud.Cloud) ([]*Leftover, error) {
	sc, err := service(c.Network)
	if err != nil {
		return nil, err
	}
	pages, err := ports.List(sc, ports.ListOpts{ProjectID: c.Project().ID}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing ports: %w", cloud.Classify(err))
	}
	all, err := ports.ExtractPorts(pages)
	if err != nil {
		return nil, fmt.Errorf("listing ports: %w", err)
	}
	var found []*Leftover
	for _, p := range all {
		marks, ok := cloud.DescriptionMarks(p.Description)
		if !ok || p.ProjectID != c.Project().ID {
			continue
		}
		found = append(found, &Leftover{
			Kind: Port, ID: p.ID, Name: p.Name, Run: marks.Run, Created: p.CreatedAt, Deadline: marks.Deadline, Action: Delete,
			afterServer: true,
			ours: func(ctx context.Context) error {
				now, err := ports.Get(ctx, sc, p.ID).Extract()
				if err != nil {
					return err
				}
				return describes(marks.Run, now.Description)
			},
			remove: func(ctx context.Context) error { return ports.Delete(ctx, sc, p.ID).ExtractErr() },
		})
	}
	return found, nil
}

// findFloatingIPs lists the project's floating IPs that have a run's marks in their descriptions:
// those that the run made, and those that it only used, which get back what they were.
func findFloatingIPs(ctx context.Context, c *cloud.Cloud) ([]*Leftover, error) {
	sc, err := service(c.Network)
	if err != nil {
		return nil, err
	}
	pages, err := floatingips.List(sc, floatingips.ListOpts{ProjectID: c.Project().ID}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing floating IPs: %w", cloud.Classify(err))
	}
	all, err := floatingips.ExtractFloatingIPs(pages)
	if err != nil {
		return nil, fmt.Errorf("listing floating IPs: %w", err)
	}
	var found []*Leftover
	for _, f := range all {
		marks, ok := cloud.DescriptionMarks(f.Description)
		if !ok || f.ProjectID != c.Project().ID {
			continue
		}
		l := &Leftover{
			Kind: FloatingIP, ID: f.ID, Name: f.FloatingIP, Run: marks.Run, Created: f.CreatedAt, Deadline: marks.Deadline, Action: Delete,
			ours: func(ctx context.Context) error {
				now, err := floatingips.Get(ctx, sc, f.ID).Extract()
				if err != nil {
					return err
				}
				return describes(marks.Run, now.Description)
			},
			remove: func(ctx context.Context) error { return floatingips.Delete(ctx, sc, f.ID).ExtractErr() },
		}
		if marks.Reused {
			l.Action, l.remove = Release, func(ctx context.Context) error { return release(ctx, sc, f.ID, marks.Rest) }
		}
		found = append(found, l)
	}
	return found, nil
}

// findGroups lists the project's security groups that have a run's marks in their descriptions.
func findGroups(ctx context.Context, c *cloud.Cloud) ([]*Leftover, error) {
	sc, err := service(c.Network)
	if err != nil {
		return nil, err
	}
	pages, err := groups.List(sc, groups.ListOpts{ProjectID: c.Project().ID}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing security groups: %w", cloud.Classify(err))
	}
	all, err := groups.ExtractGroups(pages)
	if err != nil {
		return nil, fmt.Errorf("listing security groups: %w", err)
	}
	var found []*Leftover
	for _, g := range all {
		marks, ok := cloud.DescriptionMarks(g.Description)
		if !ok || g.ProjectID != c.Project().ID {
			continue
		}
		found = append(found, &Leftover{
			Kind: Group, ID: g.ID, Name: g.Name, Run: marks.Run, Created: g.CreatedAt, Deadline: marks.Deadline, Action: Delete,
			afterServer: true,
			ours: func(ctx context.Context) error {
				now, err := groups.Get(ctx, sc, g.ID).Extract()
				if err != nil {
					return err
				}
				return describes(marks.Run, now.Description)
			},
			remove: func(ctx context.Context) error { return groups.Delete(ctx, sc, g.ID).ExtractErr() },
		})
	}
	return found, nil
}

// release restores a floating IP as it was before a run took it. Neutron refuses that if somebody changes
// the floating IP at the same time.
func release(ctx context.Context, sc *gophercloud.ServiceClient, id, description string) error {
	now, err := floatingips.Get(ctx, sc, id).Extract()
	if err != nil {
		return err
	}
	opts := floatingips.UpdateOpts{PortID: new(string), Description: &description}
	if now.RevisionNumber > 0 {
		opts.RevisionNumber = &now.RevisionNumber
	}
	return floatingips.Update(ctx, sc, id, opts).Err
}

// describes reports whether a description still has the run's marks.
func describes(run cloud.Run, description string) error {
	marks, _ := cloud.DescriptionMarks(description)
	return still(run, marks.Run)
}
