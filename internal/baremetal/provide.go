package baremetal

import (
	"context"
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// manageable reports whether the test has only manageable nodes to choose from.
func (t *Test) manageable() bool { return t.candidates[0].ProvisionState == ironic.Manageable }

// cleans asks before a node is cleaned that wasn't free.
func (t *Test) cleans() string {
	if !t.manageable() {
		return ""
	}
	names := make([]string, len(t.candidates))
	for n, c := range t.candidates {
		names[n] = c.String()
	}
	return fmt.Sprintf("Make one of the manageable nodes %s available for the test? Cleaning may erase its disks.",
		strings.Join(names, ", "))
}

// reserveManageable claims a manageable node among the runs of this program, and makes it available. Its journal says
// so first, so that it becomes manageable again whatever happens.
func (t *Test) reserveManageable(ctx context.Context) (string, error) {
	for _, n := range t.candidates {
		claimed, err := t.claim(ctx, n.ID)
		if err != nil {
			return "", err
		}
		if !claimed {
			continue
		}
		t.node = n
		if err := t.provide(ctx); err != nil {
			return "", err
		}
		return "it was manageable", t.take(ctx, n.ID)
	}
	return "", t.otherRuns()
}

func (t *Test) provide(ctx context.Context) error {
	err := t.site.settle(ctx, t.node.ID, t.o.Lock, func(n *ironic.Node) (ironic.Patch, error) {
		j, err := journalOf(n)
		switch {
		case err != nil:
			return nil, err
		case j.open() != nil && j.open().Run != string(t.site.Run):
			return nil, fault.New(fault.Conflict, "", "run %s is testing the node", j.open().Run)
		case n.ProvisionState != ironic.Manageable:
			return nil, fault.New(fault.Conflict, "", "node %s is %s by now", n, n.ProvisionState)
		}
		is := refsOf(n)
		return patch(n, is, j.with(Entry{
			Run: string(t.site.Run), Action: ActionTest, State: Testing, At: t.site.Now().UTC(), Build: t.Pair.Build(),
			Set: is, Before: is, Compute: !t.o.Direct, Provided: true,
		})), nil
	}, nil)
	if err != nil {
		return err
	}
	err = t.unlocked(ctx, func(ctx context.Context) error {
		return t.site.Nodes.Provision(ctx, t.node.ID, "provide", nil, func(n *ironic.Node) bool {
			return n.ProvisionState == ironic.Cleaning || n.ProvisionState == ironic.CleanWait || n.ProvisionState == ironic.Available
		})
	})
	if err != nil {
		return err
	}
	_, err = t.await(ctx, "node "+t.node.String()+" to become available", t.o.Clean, func(n *ironic.Node) (bool, error) {
		if n.ProvisionState == ironic.CleanFailed {
			return false, fault.New(fault.Internal, "", "the node can't be cleaned with its own images: %s", n.LastError)
		}
		return n.ProvisionState == ironic.Available, nil
	})
	if err != nil || !t.o.Direct {
		return err
	}
	return t.unlocked(ctx, func(ctx context.Context) error {
		_, err := t.site.Nodes.Patch(ctx, t.node.ID, t.instance())
		return err
	})
}
