package baremetal

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Inventory is Doni, Chameleon's source of truth for hardware: it writes its fields over driver_info at its next
// sync.
type Inventory struct{ sc *gophercloud.ServiceClient }

// NewInventory is the cloud's Doni. A cloud without one is fault.NotFound.
func NewInventory(c *cloud.Cloud) (*Inventory, error) {
	sc, err := c.Inventory()
	if err != nil {
		return nil, err
	}
	return &Inventory{sc}, nil
}

// The properties of a piece of hardware that become driver_info.
const (
	kernelField  = "baremetal_deploy_kernel_image"
	ramdiskField = "baremetal_deploy_ramdisk_image"
)

type hardware struct {
	UUID       string         `json:"uuid"`
	Properties map[string]any `json:"properties"`
}

// refs are the values that Doni has for a node, whose UUID is that of its hardware.
func (v *Inventory) refs(ctx context.Context, node string) (Refs, error) {
	var h hardware
	resp, err := v.sc.Get(ctx, v.sc.ServiceURL("hardware", node), &h, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
		return Refs{}, fmt.Errorf("asking Doni about node %q: %w", node, cloud.Classify(err))
	}
	kernel, _ := h.Properties[kernelField].(string)
	ramdisk, _ := h.Properties[ramdiskField].(string)
	return Refs{kernel, ramdisk}, nil
}

// set writes both values, where they differ.
func (v *Inventory) set(ctx context.Context, node string, want Refs) error {
	var ops []map[string]any
	is, err := v.refs(ctx, node)
	if err != nil {
		return err
	}
	for _, f := range []struct{ field, is, want string }{{kernelField, is.Kernel, want.Kernel}, {ramdiskField, is.Ramdisk, want.Ramdisk}} {
		switch {
		case f.is == f.want:
		case f.want == "":
			ops = append(ops, map[string]any{"op": "remove", "path": "/properties/" + f.field})
		default:
			ops = append(ops, map[string]any{"op": "add", "path": "/properties/" + f.field, "value": f.want})
		}
	}
	if len(ops) == 0 {
		return nil
	}
	err = change.Write(ctx, cloud.Outcome, func(ctx context.Context) error {
		resp, err := v.sc.Patch(ctx, v.sc.ServiceURL("hardware", node), ops, nil, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	}, func(ctx context.Context) (bool, error) {
		now, err := v.refs(ctx, node)
		return err == nil && now == want, err
	})
	if err != nil {
		return fmt.Errorf("writing the images of node %q to Doni: %w", node, cloud.Classify(err))
	}
	return nil
}
