package nova

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
)

var errNoHost = errors.New("No valid host was found. There are not enough hosts available.") //nolint:staticcheck,revive // Nova's words

func newPassword() string { return rand.Text()[:12] }

var notHost = regexp.MustCompile(`[^a-z0-9.-]+`)

// hostname makes a server's name fit for a host.
func hostname(name string) string {
	name = strings.ToLower(strings.NewReplacer(" ", "-", "_", "-").Replace(name))
	name = strings.Trim(notHost.ReplaceAllString(name, ""), ".-")
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], ".-")
	}
	return name
}

// build takes a server from BUILD to ACTIVE, or to ERROR.
func (s *Service) build(c front.Caller, v *Server) func(context.Context) {
	return func(ctx context.Context) {
		err := s.construct(ctx, c, v)
		if err != nil && ctx.Err() == nil {
			s.release(v)
		}
		// The step does nothing where the server is being deleted.
		_ = s.step(ctx, v, func() {
			if err != nil {
				v.fail(http.StatusInternalServerError, err.Error())
				return
			}
			v.VMState, v.TaskState, v.PowerState, v.LaunchedAt = vmActive, "", powerRunning, now()
		})
	}
}

func (s *Service) construct(ctx context.Context, c front.Caller, v *Server) error {
	if err := s.task(ctx, v, taskScheduling, 3); err != nil {
		return err
	}
	switch v.Flavor.Mishap {
	case NoHost:
		return errNoHost
	case Never:
		<-ctx.Done()
		return ctx.Err()
	}
	if s.o.Refuse != nil {
		if message := s.o.Refuse(v.Name); message != "" {
			return errors.New(message)
		}
	}
	if err := s.task(ctx, v, taskNetworking, 3); err != nil {
		return err
	}
	if err := s.connect(c, v); err != nil {
		return fmt.Errorf("Build of instance %s aborted: Failed to allocate the network(s), not rescheduling.: %w", v.ID, err) //nolint:staticcheck // Nova's words
	}
	if len(v.devices) > 0 {
		if err := s.attachDevices(ctx, c, v); err != nil {
			return fmt.Errorf("Build of instance %s aborted: %w", v.ID, err) //nolint:staticcheck // Nova's words
		}
	}
	if err := s.task(ctx, v, taskSpawning, 3); err != nil {
		return err
	}
	return s.boot(ctx, v)
}

// connect gives the server its ports.
func (s *Service) connect(c front.Caller, v *Server) error {
	for _, n := range v.requested {
		if n.Port != "" {
			if err := s.ports.BindPort(n.Port, v.ID); err != nil {
				return err
			}
			continue
		}
		p, err := s.ports.AllocatePort(c, n.UUID, v.ID, n.FixedIP)
		if err != nil {
			return err
		}
		if len(v.SecurityGroups) != 1 || v.SecurityGroups[0] != "default" {
			if err := s.nets.SetSecurityGroups(c, p.ID, v.SecurityGroups); err != nil {
				return err
			}
		}
	}
	return nil
}

// attachDevices makes and attaches the volumes that the creation asked for.
func (s *Service) attachDevices(ctx context.Context, c front.Caller, v *Server) error {
	if err := s.step(ctx, v, func() { v.TaskState = taskBlockDevices }); err != nil {
		return err
	}
	letter := 'a'
	if v.ImageID != "" {
		letter = 'b'
	}
	for _, d := range v.devices {
		if d.DestinationType != "volume" && d.SourceType != "volume" && d.SourceType != "snapshot" {
			continue // a local disk
		}
		id, err := s.deviceVolume(ctx, c, d)
		if err != nil {
			return err
		}
		device := d.DeviceName
		if device == "" {
			device = "/dev/vd" + string(letter)
		}
		letter++
		if err := s.vols.Attach(id, v.ID, device); err != nil {
			return err
		}
		s.change(v, func() {
			v.Volumes = append(v.Volumes, VolumeAttachment{VolumeID: id, Device: device, Tag: d.Tag, DeleteOnTermination: d.DeleteOnTermination, Root: d.root()})
		})
	}
	return nil
}

// deviceVolume answers the volume of a block device, made if need be.
func (s *Service) deviceVolume(ctx context.Context, c front.Caller, d blockDevice) (string, error) {
	if d.SourceType == "volume" {
		return d.UUID, s.vols.Reserve(d.UUID)
	}
	spec := cinder.Spec{Size: d.size(), Type: d.VolumeType, Zone: cinder.Zone}
	switch d.SourceType {
	case "image":
		spec.ImageID = d.UUID
	case "snapshot":
		spec.SnapshotID = d.UUID
	}
	vol, err := s.vols.Create(c, spec)
	if err != nil {
		return "", err
	}
	for {
		now, ok := s.vols.Volume(vol.ID)
		switch {
		case !ok || now.Status == cinder.Error:
			return "", fmt.Errorf("Volume %s did not finish being created.", vol.ID) //nolint:staticcheck,revive // Nova's words
		case now.Status == cinder.Available:
			return vol.ID, nil
		}
		if err := s.poll(ctx); err != nil {
			_ = s.vols.Delete(vol.ID)
			return "", err
		}
	}
}

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
			if err := g.ServeSSH(s.sshAddress(ip.IPAddress)); err != nil {
				return err
			}
		}
	}
	for _, f := range s.nets.FloatingIPs(v.ID) {
		s.FloatingChanged(f.Address, v.ID)
	}
	return nil
}

// unpack fills the instance's folder from the image or the root volume.
func (s *Service) unpack(v *Server, dir string) error {
	if err := makeDir(dir); err != nil {
		return err
	}
	open, id := s.images.Open, v.ImageID
	if root := s.rootVolume(v); root != "" {
		open, id = s.vols.Open, root
	}
	data, _, err := open(id)
	if err != nil {
		return err
	}
	defer data.Close()
	return host.Unpack(data, host.Root(dir))
}

// rootVolume is the volume that the server boots from, or "".
func (s *Service) rootVolume(v *Server) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, a := range v.Volumes {
		if a.Root {
			return a.VolumeID
		}
	}
	return ""
}

func (s *Service) guestConfig(v *Server) host.Config {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := host.Config{
		Dir: s.dir(v.ID), Agent: s.o.Agent, UUID: v.ID, Name: v.Name, Hostname: v.Hostname, UserData: v.UserData, Meta: maps.Clone(v.Metadata),
		AvailabilityZone: v.Zone, ProjectID: v.ProjectID, ConfigDrive: v.ConfigDrive,
	}
	if v.passwordAsked {
		c.Password = v.password
	}
	if v.key != "" {
		c.Keys = map[string]string{v.KeyName: v.key}
	}
	for _, p := range s.ports.PortsOf(v.ID) {
		c.Networks = append(c.Networks, guestNetwork(p))
	}
	if len(c.Networks) > 0 {
		c.Address = c.Networks[0].Address
	}
	return c
}

func guestNetwork(p neutron.Port) host.Network {
	n := host.Network{ID: p.NetworkID, MAC: p.MAC}
	if len(p.FixedIPs) > 0 {
		n.Address = p.FixedIPs[0].IPAddress
		n.CIDR = n.Address + "/16"
	}
	return n
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
			v.guest, v.UpdatedAt = nil, now()
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

// take takes the guest away from a server. Nil where there is none.
func (s *Service) take(v *Server) *host.Guest {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := v.guest
	v.guest = nil
	return g
}

// saveRoot writes the root file system back to the volume that the server booted from.
func (s *Service) saveRoot(ctx context.Context, v *Server) error {
	root := s.rootVolume(v)
	if root == "" {
		return nil
	}
	if _, err := os.Stat(host.Root(s.dir(v.ID))); err != nil {
		return nil // never booted
	}
	data := host.Image(ctx, s.dir(v.ID))
	defer data.Close()
	return s.vols.Save(root, data)
}

// release gives ports and volumes back, deleting those that were made for the server.
func (s *Service) release(v *Server) {
	if g := s.take(v); g != nil {
		g.Kill()
	}
	s.ports.ReleasePorts(v.ID)
	var volumes []VolumeAttachment
	s.change(v, func() { volumes, v.Volumes = v.Volumes, nil })
	for _, a := range volumes {
		s.vols.Detach(a.VolumeID, v.ID)
		if a.DeleteOnTermination {
			_ = s.vols.Delete(a.VolumeID) // the owner sees one that could not be
		}
	}
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
