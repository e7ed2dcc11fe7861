package nova

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
)

// boot gives the server an inside, if servers have one here, and opens its SSH.
func (s *Service) boot(ctx context.Context, v *Server) error {
	if s.o.Agent == "" {
		return nil
	}
	dir := s.dir(v.ID)
	if _, err := os.Stat(host.Root(dir)); err != nil {
		if err := s.unpack(v, dir); err != nil {
			return err
		}
	}
	g, err := host.Boot(ctx, s.guestConfig(v))
	if err != nil {
		return err
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		v.guest = g
	}
	s.mu.Unlock()
	if closed {
		g.Kill()
		return errors.New("the sandbox is closing")
	}
	go s.follow(v, g) //nolint:gosec // the guest lives on when its boot is over
	if err := s.openSSH(v, g); err != nil {
		if g := s.take(v); g != nil {
			g.Kill()
		}
		return err
	}
	return nil
}

func (s *Service) openSSH(v *Server, g *host.Guest) error {
	for _, p := range s.ports.PortsOf(v.ID) {
		for _, ip := range p.FixedIPs {
			err := g.ServeSSH(s.sshAddress(ip.IPAddress))
			if err != nil && !strings.Contains(ip.IPAddress, ":") { // an IPv6 address needs rights that not everybody has
				return err
			}
		}
	}
	for _, f := range s.nets.FloatingIPs(v.ID) {
		s.FloatingChanged(f.Address, v.ID)
	}
	return nil
}

const gib = 1 << 30

// unsizedDisk is how many GiB a server of a flavor without a disk has.
const unsizedDisk = 20

// unpack fills the instance's folder from the image or the root volume.
func (s *Service) unpack(v *Server, dir string) error {
	if err := makeDir(dir); err != nil {
		return err
	}
	open, id, disk := s.images.Open, v.ImageID, v.Flavor.Disk
	if root := s.rootVolume(v); root != "" {
		open, id, disk = s.vols.Open, root, 0
		if volume, ok := s.vols.Volume(root); ok {
			disk = volume.Size
		}
	}
	data, _, err := open(id)
	if err != nil {
		return err
	}
	defer data.Close()
	if err := host.Unpack(data, host.Root(dir), int64(cmp.Or(disk, unsizedDisk))*gib); err != nil {
		_ = host.Remove(dir) // half of it must not boot
		return err
	}
	return nil
}

func (s *Service) guestConfig(v *Server) host.Config {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := host.Config{
		Dir: s.dir(v.ID), Agent: s.o.Agent, UUID: v.ID, Name: v.Name, Hostname: v.Hostname, UserData: v.UserData,
		Meta:             maps.Clone(v.Metadata),
		AvailabilityZone: v.Zone, ProjectID: v.ProjectID, ConfigDrive: v.ConfigDrive,
	}
	if v.passwordAsked {
		c.Password = v.password
	}
	if v.key != "" {
		c.Keys = map[string]string{v.KeyName: v.key}
	}
	for _, p := range s.ports.PortsOf(v.ID) {
		c.Networks = append(c.Networks, guestNetworks(p)...)
	}
	for _, n := range c.Networks {
		if !strings.Contains(n.Address, ":") {
			c.Address = n.Address
			break
		}
	}
	c.SSHPort, c.Neighbour = s.o.SSHPort, s.guestAt
	return c
}

// guestNetworks are a port's addresses as the guest is told of them.
func guestNetworks(p neutron.Port) []host.Network {
	var all []host.Network
	for _, ip := range p.FixedIPs {
		n := host.Network{ID: p.NetworkID, MAC: p.MAC, Address: ip.IPAddress, CIDR: ip.IPAddress + "/16"}
		if strings.Contains(ip.IPAddress, ":") {
			n.CIDR = ip.IPAddress + "/64"
		}
		all = append(all, n)
	}
	return all
}

// guestAt finds the guest that has a fixed or a floating address.
func (s *Service) guestAt(address string) *host.Guest {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if v := s.servers[s.floating[address]]; v != nil {
		return v.guest
	}
	for _, v := range s.servers {
		if v.guest == nil {
			continue
		}
		for _, p := range s.ports.PortsOf(v.ID) {
			if slices.ContainsFunc(p.FixedIPs, func(ip neutron.FixedIP) bool { return ip.IPAddress == address }) {
				return v.guest
			}
		}
	}
	return nil
}

// follow turns the server off when its guest does so itself.
func (s *Service) follow(v *Server, g *host.Guest) {
	for e := range g.Events() {
		if e == host.Rebooted {
			continue
		}
		s.mu.Lock()
		mine := v.guest == g && v.TaskState != taskDeleting
		if mine {
			v.guest, v.UpdatedAt = nil, s.now()
			if v.VMState == vmActive {
				v.VMState, v.PowerState = vmStopped, powerShutdown
			}
		}
		s.mu.Unlock()
		if mine {
			_ = s.saveRoot(context.Background(), v) // the volume keeps what it had
		}
	}
}

// take takes the guest away from a server. Nil if there is none.
func (s *Service) take(v *Server) *host.Guest {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := v.guest
	v.guest = nil
	return g
}

// data is what an image of the server holds.
func (s *Service) data(ctx context.Context, v *Server) io.ReadCloser {
	if s.o.Agent != "" {
		return host.Image(ctx, s.dir(v.ID))
	}
	if data, _, err := s.images.Open(v.ImageID); err == nil {
		return data
	}
	return io.NopCloser(strings.NewReader("a server without an inside"))
}

// runningGuest is the server's guest, or nil.
func (s *Service) runningGuest(v *Server) *host.Guest {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return v.guest
}

// FloatingChanged takes SSH for a server on the address of a floating IP; server "" ends that.
func (s *Service) FloatingChanged(address, server string) {
	s.mu.Lock()
	was := s.floating[address]
	if server == "" {
		delete(s.floating, address)
	} else {
		s.floating[address] = server
	}
	before, after := s.guestOf(was), s.guestOf(server)
	s.mu.Unlock()
	if before != nil && was != server {
		before.HangUp(s.sshAddress(address))
	}
	if after != nil {
		_ = after.ServeSSH(s.sshAddress(address)) // an address that can't be served looks like one that doesn't answer
	}
}

// guestOf answers the guest of a server, or nil. The caller holds the lock.
func (s *Service) guestOf(server string) *host.Guest {
	if v := s.servers[server]; v != nil {
		return v.guest
	}
	return nil
}
