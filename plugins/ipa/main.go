// Command imgctl-ipa is the plugin ipa, imgctl's door to internal/baremetal.
package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "ipa", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Short:    "Test Ironic's deploy ramdisks, and roll them out to nodes",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{testCommand(), pushCommand(), statusCommand(), rollbackCommand(), historyCommand()},
	})
}

// reach connects to the cloud of --os-cloud.
func reach(ctx context.Context, in *sdk.Input, owner string, doni bool) (*baremetal.Site, func(), error) {
	c, err := bridge.Cloud(ctx, in, "")
	if err != nil {
		return nil, nil, err
	}
	s, err := baremetal.NewSite(c, owner, cloud.Run(cmp.Or(in.RunID(), string(cloud.NewRun()))))
	if err == nil && doni {
		if s.Inventory, err = baremetal.NewInventory(c); err != nil {
			err = fault.In("doni", err)
		}
	}
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	return s, c.Close, nil
}

// positive makes sure that spans of time are more than nothing.
func positive(in *sdk.Input, flags ...string) error {
	var errs []error
	for _, flag := range flags {
		if span := in.Duration(flag); span <= 0 {
			errs = append(errs, fault.Bad(strings.ReplaceAll(flag, "-", "_"), "use a positive time such as 30m", "%s isn't positive", span))
		}
	}
	return errors.Join(errs...)
}

// nodeFlags choose nodes.
func nodeFlags() sdk.Flags {
	return sdk.Flags{
		sdk.String("node-type", "", "nodes of this type: the value of node_type in their properties or extra, or else their "+
			"resource class or a trait").ValueName("TYPE").Completes(sdk.CompleteDynamically),
		sdk.Strings("node", "only this node, by name or UUID").ValueName("NODE").Completes(sdk.CompleteDynamically),
	}
}

func selection(in *sdk.Input) baremetal.Selection {
	return baremetal.Selection{Type: in.String("node-type"), Nodes: in.Strings("node")}
}

// pairFlags choose a kernel and a ramdisk.
func pairFlags() sdk.Flags {
	return sdk.Flags{
		sdk.String("kernel", "", "deploy kernel: an image's id or name, or an http, https or file address (default: the newest "+
			"image with the property build-ipa=kernel)").ValueName("IMAGE").Completes(sdk.CompleteDynamically),
		sdk.String("ramdisk", "", "deploy ramdisk, in the same way (default: the newest image with the property build-ipa=initramfs, "+
			"which must be of the kernel's build)").ValueName("IMAGE").Completes(sdk.CompleteDynamically),
		sdk.String("image-owner", "", "id of the project that owns the images (default: the credentials' own)").ValueName("ID"),
		sdk.KeyValue("property", "choose the newest among images that have this property, too").ValueName("KEY=VALUE"),
		sdk.Bool("allow-mixed", "accept a kernel and a ramdisk of different builds"),
	}
}

func pair(in *sdk.Input) baremetal.PairOptions {
	return baremetal.PairOptions{
		Kernel: in.String("kernel"), Ramdisk: in.String("ramdisk"), Properties: in.KeyValues("property"), Mixed: in.Bool("allow-mixed"),
	}
}
