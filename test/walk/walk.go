package walk

import (
	"context"
	"fmt"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

// Given is what a walk finds in the cloud.
type Given struct{ Image, Flavor, Public string }

// stroll is a walk under way: the first error ends it.
type stroll struct {
	ctx  context.Context
	c    *Cloud
	name string
	undo []func() error
	err  error
}

// undone has a step undone at the end.
func (s *stroll) undone(undo func() error) { s.undo = append(s.undo, undo) }

// Walk makes everything under a name, and deletes it in the opposite order, even after an error.
func Walk(ctx context.Context, c *Cloud, g Given, name string) error {
	s := &stroll{ctx: ctx, c: c, name: name}
	port := s.network(g)
	if s.err == nil {
		server := s.server(g, port)
		s.address(g, port)
		s.volume(server)
		s.image(server)
	}
	for _, undo := range slices.Backward(s.undo) {
		if err := undo(); err != nil && s.err == nil {
			s.err = fmt.Errorf("deleting: %w", err)
		}
	}
	return s.err
}

// network makes a network behind a router, and gives a port of it.
func (s *stroll) network(g Given) string {
	n, err := networks.Create(s.ctx, s.c.Network, networks.CreateOpts{Name: s.name}).Extract()
	if s.err = err; err != nil {
		return ""
	}
	s.undone(func() error { return networks.Delete(s.ctx, s.c.Network, n.ID).ExtractErr() })
	subnet, err := subnets.Create(s.ctx, s.c.Network, subnets.CreateOpts{
		NetworkID: n.ID, Name: s.name, IPVersion: 4, CIDR: "10.67.0.0/24",
	}).Extract()
	if s.err = err; err != nil {
		return ""
	}
	s.undone(func() error { return subnets.Delete(s.ctx, s.c.Network, subnet.ID).ExtractErr() })
	if s.router(g, subnet.ID); s.err != nil {
		return ""
	}
	group, err := groups.Create(s.ctx, s.c.Network, groups.CreateOpts{Name: s.name}).Extract()
	if s.err = err; err != nil {
		return ""
	}
	s.undone(func() error { return groups.Delete(s.ctx, s.c.Network, group.ID).ExtractErr() })
	if _, s.err = rules.Create(s.ctx, s.c.Network, rules.CreateOpts{
		SecGroupID: group.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP,
		PortRangeMin: 22, PortRangeMax: 22,
	}).Extract(); s.err != nil {
		return ""
	}
	p, err := ports.Create(s.ctx, s.c.Network, ports.CreateOpts{
		NetworkID: n.ID, Name: s.name, FixedIPs: []ports.IP{{SubnetID: subnet.ID}}, SecurityGroups: &[]string{group.ID},
	}).Extract()
	if s.err = err; err != nil {
		return ""
	}
	s.undone(func() error { return ports.Delete(s.ctx, s.c.Network, p.ID).ExtractErr() })
	return p.ID
}

// router makes a router between a subnet and the public network.
func (s *stroll) router(g Given, subnet string) {
	router, err := routers.Create(s.ctx, s.c.Network, routers.CreateOpts{
		Name: s.name, GatewayInfo: &routers.GatewayInfo{NetworkID: g.Public},
	}).Extract()
	if s.err = err; err != nil {
		return
	}
	s.undone(func() error { return routers.Delete(s.ctx, s.c.Network, router.ID).ExtractErr() })
	_, err = routers.AddInterface(s.ctx, s.c.Network, router.ID, routers.AddInterfaceOpts{SubnetID: subnet}).Extract()
	if s.err = err; err != nil {
		return
	}
	s.undone(func() error {
		_, err := routers.RemoveInterface(s.ctx, s.c.Network, router.ID, routers.RemoveInterfaceOpts{SubnetID: subnet}).Extract()
		return err
	})
}

func (s *stroll) server(g Given, port string) string {
	v, err := servers.Create(s.ctx, s.c.Compute, servers.CreateOpts{
		Name: s.name, ImageRef: g.Image, FlavorRef: g.Flavor, Networks: []servers.Network{{Port: port}},
	}, nil).Extract()
	if s.err = err; err != nil {
		return ""
	}
	read := func() (string, error) {
		v, err := servers.Get(s.ctx, s.c.Compute, v.ID).Extract()
		if err != nil {
			return "", err
		}
		return v.Status, nil
	}
	s.undone(func() error {
		if err := servers.Delete(s.ctx, s.c.Compute, v.ID).ExtractErr(); err != nil {
			return err
		}
		return until(s.ctx, "server", "", read)
	})
	s.err = until(s.ctx, "server", "ACTIVE", read)
	return v.ID
}

func (s *stroll) address(g Given, port string) {
	if s.err != nil {
		return
	}
	ip, err := floatingips.Create(s.ctx, s.c.Network, floatingips.CreateOpts{FloatingNetworkID: g.Public, Description: s.name}).Extract()
	if s.err = err; err != nil {
		return
	}
	s.undone(func() error { return floatingips.Delete(s.ctx, s.c.Network, ip.ID).ExtractErr() })
	ip, s.err = floatingips.Update(s.ctx, s.c.Network, ip.ID, floatingips.UpdateOpts{PortID: &port}).Extract()
	if s.err == nil && ip.FixedIP == "" {
		s.err = fmt.Errorf("the floating IP has no address of the port: %+v", ip)
	}
}

func (s *stroll) volume(server string) {
	if s.err != nil {
		return
	}
	v, err := volumes.Create(s.ctx, s.c.Volume, volumes.CreateOpts{Name: s.name, Size: 1}, nil).Extract()
	if s.err = err; err != nil {
		return
	}
	read := func() (string, error) {
		v, err := volumes.Get(s.ctx, s.c.Volume, v.ID).Extract()
		if err != nil {
			return "", err
		}
		return v.Status, nil
	}
	s.undone(func() error {
		if err := volumes.Delete(s.ctx, s.c.Volume, v.ID, nil).ExtractErr(); err != nil {
			return err
		}
		return until(s.ctx, "volume", "", read)
	})
	if s.err = until(s.ctx, "volume", "available", read); s.err != nil {
		return
	}
	_, err = volumeattach.Create(s.ctx, s.c.Compute, server, volumeattach.CreateOpts{VolumeID: v.ID}).Extract()
	if s.err = err; err != nil {
		return
	}
	s.undone(func() error {
		if err := volumeattach.Delete(s.ctx, s.c.Compute, server, v.ID).ExtractErr(); err != nil {
			return err
		}
		return until(s.ctx, "volume", "available", read)
	})
	if s.err = until(s.ctx, "volume", "in-use", read); s.err == nil {
		s.snapshot(v.ID)
	}
}

func (s *stroll) snapshot(volume string) {
	shot, err := snapshots.Create(s.ctx, s.c.Volume, snapshots.CreateOpts{VolumeID: volume, Name: s.name, Force: true}).Extract()
	if s.err = err; err != nil {
		return
	}
	read := func() (string, error) {
		shot, err := snapshots.Get(s.ctx, s.c.Volume, shot.ID).Extract()
		if err != nil {
			return "", err
		}
		return shot.Status, nil
	}
	s.undone(func() error {
		if err := snapshots.Delete(s.ctx, s.c.Volume, shot.ID).ExtractErr(); err != nil {
			return err
		}
		return until(s.ctx, "snapshot", "", read)
	})
	s.err = until(s.ctx, "snapshot", "available", read)
}

func (s *stroll) image(server string) {
	if s.err != nil {
		return
	}
	id, err := servers.CreateImage(s.ctx, s.c.Compute, server, servers.CreateImageOpts{Name: s.name}).ExtractImageID()
	if s.err = err; err != nil {
		return
	}
	s.undone(func() error { return images.Delete(s.ctx, s.c.Image, id).ExtractErr() })
	s.err = until(s.ctx, "image", "active", func() (string, error) {
		i, err := images.Get(s.ctx, s.c.Image, id).Extract()
		if err != nil {
			return "", err
		}
		return string(i.Status), nil
	})
}
