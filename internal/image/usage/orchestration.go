package usage

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/gophercloud/gophercloud/v2"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/heat"
)

// requests is how many stacks are read at the same time.
const requests = 4

// askStacks reads the stacks' parameters, by which an image's id or name is frozen when a stack is created.
// It takes a request for each stack.
func (c *collection) askStacks(from *cloud.Cloud) {
	a := c.source(Stacks, from)
	c.wait.Go(func() {
		c.read(a, from.Orchestration, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			stacks, err := listStacks(ctx, sc, true)
			if fault.Is(err, fault.Forbidden) {
				if own, e := listStacks(ctx, sc, false); e == nil {
					stacks, err = own, nil
					a.limit(from)
				}
			}
			if err != nil {
				return err
			}
			return a.stacks(ctx, sc, from.Project().ID, stacks)
		})
	})
}

func listStacks(ctx context.Context, sc *gophercloud.ServiceClient, all bool) (stacks []heat.Stack, err error) {
	err = heat.EachStack(ctx, sc, all, func() { stacks = nil }, func(page []heat.Stack) error {
		stacks = append(stacks, page...)
		return nil
	})
	return stacks, err
}

func (a *answer) stacks(ctx context.Context, sc *gophercloud.ServiceClient, own string, stacks []heat.Stack) error {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for _, s := range stacks {
		group.Go(func() error {
			parameters, err := heat.Parameters(ctx, sc, own, s)
			if fault.Is(err, fault.NotFound) {
				return nil // it was deleted a moment ago
			}
			mu.Lock()
			defer mu.Unlock()
			a.stack(s, parameters)
			return err
		})
	}
	return group.Wait()
}

func (a *answer) stack(s heat.Stack, parameters map[string]any) {
	use := Use{Kind: Stack, ID: s.ID, Name: s.Name, Project: s.ProjectID, Evidence: "status " + s.Status}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		use.How = "parameter/" + name
		for _, id := range idsIn(parameters[name]) {
			a.byID(id, use)
		}
		if text, ok := parameters[name].(string); ok && text != "" && !idText.MatchString(text) {
			a.byName(text, use)
		}
	}
}
