package scenario

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/baremetal/v1/nodes"
)

// node changes a node's provision state, and waits until it has settled.
func node(ctx context.Context, s script, _ io.Writer, args []string) error {
	settled := map[string]string{"manage": "manageable", "provide": "available"}
	if len(args) != 3 || settled[args[0]] == "" {
		return errUsage
	}
	c, err := s.as(args[1])
	if err != nil {
		return err
	}
	if c.baremetal == nil {
		return fmt.Errorf("the cloud has no Ironic")
	}
	target := nodes.ProvisionStateOpts{Target: nodes.TargetProvisionState(args[0])}
	if err := nodes.ChangeProvisionState(ctx, c.baremetal, args[2], target).ExtractErr(); err != nil {
		return err
	}
	return poll(ctx, time.Minute, "node "+args[2], func() (bool, error) {
		n, err := nodes.Get(ctx, c.baremetal, args[2]).Extract()
		return err == nil && n.ProvisionState == settled[args[0]], err
	})
}
