package scenario

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// use has something use an image until the script ends: a server, a server that boots from a volume, a volume
// with a snapshot, or a bare-metal node. It is made in the person's project.
func use(ctx context.Context, s script, _ io.Writer, args []string) error {
	if len(args) != 3 {
		return errUsage
	}
	c, err := s.as(args[1])
	if err != nil {
		return err
	}
	i, err := c.image(ctx, args[2])
	if err != nil {
		return err
	}
	name := "user-" + s.run
	switch args[0] {
	case "server", "boot-volume":
		return s.useServer(ctx, c, name, i.ID, args[0] == "boot-volume")
	case "snapshot":
		return s.useVolume(ctx, c, name, i.ID)
	case "node":
		return s.useNode(ctx, c, name, i.ID)
	}
	return errUsage
}

func (s script) useServer(ctx context.Context, c *connection, name, image string, volume bool) error {
	flavor, err := flavorID(ctx, c, s.ts.Getenv("FLAVOR"))
	if err != nil {
		return err
	}
	opts := servers.CreateOpts{Name: name, FlavorRef: flavor, ImageRef: image, Networks: "none"}
	if volume {
		opts.ImageRef = ""
		opts.BlockDevice = []servers.BlockDevice{{
			UUID: image, SourceType: servers.SourceImage, DestinationType: servers.DestinationVolume, VolumeSize: 1,
			DeleteOnTermination: true,
		}}
	}
	noNetwork := *c.compute
	noNetwork.Microversion = "2.37"
	made, err := servers.Create(ctx, &noNetwork, opts, nil).Extract()
	if err != nil {
		return err
	}
	s.ts.Defer(func() {
		servers.Delete(context.Background(), c.compute, made.ID)
		_ = poll(context.Background(), 2*time.Minute, "the server's end", func() (bool, error) {
			return servers.Get(context.Background(), c.compute, made.ID).Err != nil, nil
		})
	})
	// Any state will do, also that of a server which can't boot from a few bytes.
	return poll(ctx, 3*time.Minute, "server "+name, func() (bool, error) {
		got, err := servers.Get(ctx, c.compute, made.ID).Extract()
		return err == nil && got.Status != "BUILD", nil // a busy cloud's Nova answers 500 now and then
	})
}

func (s script) useVolume(ctx context.Context, c *connection, name, image string) error {
	v, err := volumes.Create(ctx, c.volume, volumes.CreateOpts{Name: name, Size: 1, ImageID: image}, nil).Extract()
	if err != nil {
		return err
	}
	var snapshot *snapshots.Snapshot
	s.ts.Defer(func() {
		ctx := context.Background()
		if snapshot != nil {
			_ = snapshots.Delete(ctx, c.volume, snapshot.ID).ExtractErr()
			_ = poll(ctx, time.Minute, "the snapshot's end", func() (bool, error) {
				return snapshots.Get(ctx, c.volume, snapshot.ID).Err != nil, nil
			})
		}
		_ = volumes.Delete(ctx, c.volume, v.ID, volumes.DeleteOpts{}).ExtractErr()
		_ = poll(context.Background(), time.Minute, "the volume's end", func() (bool, error) {
			return volumes.Get(context.Background(), c.volume, v.ID).Err != nil, nil
		})
	})
	err = poll(ctx, 2*time.Minute, "volume "+name, func() (bool, error) {
		got, err := volumes.Get(ctx, c.volume, v.ID).Extract()
		if err == nil && got.Status == "error" {
			err = fmt.Errorf("volume %s is in error", name)
		}
		return err == nil && got.Status == "available", err
	})
	if err != nil {
		return err
	}
	snapshot, err = snapshots.Create(ctx, c.volume, snapshots.CreateOpts{Name: name, VolumeID: v.ID}).Extract()
	return err
}

// useNode enrols a node that is deployed with the image; its driver touches nothing.
func (s script) useNode(ctx context.Context, c *connection, name, image string) error {
	if s.sandbox != nil {
		s.sandbox.AddNode(sandbox.Node{Name: name, Kernel: image})
		return nil
	}
	sc := *c.compute
	at := slices.IndexFunc(c.catalog.Entries, func(e tokens.CatalogEntry) bool { return e.Type == "baremetal" })
	if at < 0 || len(c.catalog.Entries[at].Endpoints) == 0 {
		return fmt.Errorf("the catalog has no baremetal service")
	}
	for _, e := range c.catalog.Entries[at].Endpoints {
		if e.Interface == "public" {
			sc.Endpoint, sc.ResourceBase = gophercloud.NormalizeURL(e.URL), ""
		}
	}
	sc.Type, sc.Microversion = "baremetal", ""
	headers := map[string]string{"X-Openstack-Ironic-Api-Version": "1.38"}
	var node struct{ UUID string }
	_, err := sc.Post(ctx, sc.Endpoint+"v1/nodes", map[string]any{
		"name": name, "driver": "fake-hardware", "driver_info": map[string]any{"deploy_kernel": image},
	}, &node, &gophercloud.RequestOpts{OkCodes: []int{201}, MoreHeaders: headers})
	if err != nil {
		return err
	}
	s.ts.Defer(func() {
		_, _ = sc.Delete(context.Background(), sc.Endpoint+"v1/nodes/"+node.UUID, &gophercloud.RequestOpts{MoreHeaders: headers})
	})
	return nil
}
