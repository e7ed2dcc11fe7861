package baremetal

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// allocationName begins the names of the allocations that reserve nodes for tests.
const allocationName = "imgctl-ipa-"

// noClass is a resource class that no node has.
const noClass = "imgctl-claim"

// allocation is what reserves a node for the run: its id is the run's, so that the node shows whose it is.
func (s *Site) allocation(class string, candidates []string) ironic.Allocation {
	return ironic.Allocation{
		UUID: string(s.Run), Name: allocationName + string(s.Run), Class: class, Candidates: candidates,
		Extra: map[string]any{cloud.RunKey: string(s.Run)},
	}
}

// reserve has one of the free nodes reserved for this run alone.
func (t *Test) reserve(ctx context.Context) (string, error) {
	if t.manageable() {
		return t.reserveManageable(ctx)
	}
	if !t.o.Direct {
		return t.reserveForCompute(ctx)
	}
	byClass := map[string][]string{}
	for _, n := range t.candidates {
		byClass[n.ResourceClass] = append(byClass[n.ResourceClass], n.ID)
	}
	var last error
	for _, class := range slices.Sorted(maps.Keys(byClass)) {
		if class == "" {
			last = fault.New(fault.Usage, "", "the nodes have no resource class, so Ironic can't allocate them")
			continue
		}
		a, err := t.site.Nodes.Allocate(ctx, t.site.allocation(class, byClass[class]))
		if fault.Is(err, fault.Conflict) {
			last = err
			continue
		}
		if err != nil {
			return "", err
		}
		return "", t.take(ctx, a.Node)
	}
	// Ironic doesn't allocate nodes whose power state it doesn't know, nor, with its newer policies, nodes that the
	// project neither owns nor leases. An instance's id reserves any node: Ironic lets it be set once.
	for _, n := range t.candidates {
		now, err := t.site.Nodes.Patch(ctx, n.ID, t.instance())
		if fault.Is(err, fault.Conflict) {
			continue
		}
		if err != nil {
			return "", err
		}
		t.node = now
		if now.ProvisionState != ironic.Available {
			return "", fault.New(fault.Conflict, "", "node %s is %s by now", now, now.ProvisionState)
		}
		return "by its instance's id", t.take(ctx, n.ID)
	}
	return "", fault.New(fault.Conflict, "wait until one is free, or name another type", "no free node of %s: %w", t.o.Selection, last)
}

// instance reserves a node by its instance's id.
func (t *Test) instance() ironic.Patch {
	return ironic.Patch{{Op: "add", Path: "/instance_uuid", Value: string(t.site.Run)}}
}

// take reads the node that the run got.
func (t *Test) take(ctx context.Context, id string) error {
	n, err := t.site.Nodes.Node(ctx, id)
	if err != nil {
		return err
	}
	t.node, t.baseline = n, n
	return t.Pair.fits(n)
}

// deploy deploys the node with the pair under test.
func (t *Test) deploy(ctx context.Context) (string, error) {
	if !t.o.Direct {
		return t.deployByCompute(ctx)
	}
	err := t.unlocked(ctx, func(ctx context.Context) error {
		return t.site.Nodes.Provision(ctx, t.node.ID, "active", nil, func(n *ironic.Node) bool {
			return n.TargetState == ironic.Active || n.ProvisionState == ironic.Active
		})
	})
	if err != nil {
		return "", err
	}
	return t.awaitActive(ctx, t.o.Deploy)
}

func (t *Test) awaitActive(ctx context.Context, timeout time.Duration) (string, error) {
	_, err := t.await(ctx, "the deployment of node "+t.node.String(), timeout, func(n *ironic.Node) (bool, error) {
		switch n.ProvisionState {
		case ironic.DeployFailed, ironic.Failed:
			return false, fault.New(fault.Internal, "", "the node is in state %s: %s", n.ProvisionState, n.LastError)
		case ironic.Active:
			return true, nil
		}
		return false, nil
	})
	return "", err
}

// deployable is an error if the test can't deploy the candidates in the way that was asked for. It sets the image's
// id.
func (t *Test) deployable(ctx context.Context) error {
	if t.o.Image != "" {
		img, err := t.site.Images.Named(ctx, t.site.Owner, t.o.Image)
		if err != nil {
			return fault.In("image", err)
		}
		t.o.Image = img
	}
	if t.o.Direct {
		for _, n := range t.candidates {
			if t.o.Image == "" && n.DeployWith != "fake" {
				return fault.New(fault.Usage, fault.Advise("name an image with %s", fault.Option("image")),
					"node %s has the deploy interface %s, which needs an image to deploy", n, n.DeployWith)
			}
		}
		return nil
	}
	if t.site.Leases != nil && t.manageable() {
		return fault.New(fault.Conflict, "", "Blazar leases available nodes only, and %s is manageable", t.candidates[0])
	}
	if t.site.Compute == nil {
		return fault.New(fault.NotFound, fault.Advise("let Ironic deploy the node, with %s", fault.Set("direct", true)),
			"the cloud has no Compute service")
	}
	if t.o.Image == "" {
		return fault.New(fault.Usage, fault.Advise("name it with %s, or let Ironic deploy the node with %s", fault.Option("image"),
			fault.Set("direct", true)), "a server needs an image")
	}
	return t.o.Server.find(ctx, t.site)
}
