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
	var missing []string
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for _, s := range stacks {
		group.Go(func() error {
			parameters, err := heat.Parameters(work, sc, own, s)
			mu.Lock()
			defer mu.Unlock()
			if fault.Is(err, fault.NotFound) {
				missing = append(missing, s.ID)
				return nil
			}
			a.stack(s, parameters)
			return err
		})
	}
	if err := group.Wait(); err != nil || len(missing) == 0 {
		return err
	}
	return stillListed(ctx, sc, missing)
}

// stillListed is an error if a stack that couldn't be found is listed: then it wasn't just deleted.
func stillListed(ctx context.Context, sc *gophercloud.ServiceClient, missing []string) error {
	for _, all := range []bool{true, false} {
		stacks, err := listStacks(ctx, sc, all)
		if fault.Is(err, fault.Forbidden) {
			continue
		}
		if err != nil {
			return err
		}
		for _, s := range stacks {
			if slices.Contains(missing, s.ID) {
				return fault.New(fault.Unavailable, "", "stack %q is listed, but can't be read", s.Name)
			}
		}
		return nil
	}
	return nil
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
