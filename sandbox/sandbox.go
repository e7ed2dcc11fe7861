// Package sandbox is an embedded OpenStack for trials and tests: Keystone, Glance, Nova, Neutron, Cinder and
// Ironic in one process, on loopback, with a clouds.yaml for several projects. Requests can be made
// to fail by rule, and all of them are logged.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/ironic"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/listed"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/nova"
)

// Options of a sandbox. The zero value is a sandbox on a free port whose servers have states but no inside.
type Options struct {
	Dir        string        // folder for image data, volumes and servers; "" = a temporary one, removed by Close
	Addr       string        // loopback address to listen on; "" = 127.0.0.1:0
	Transition time.Duration // how long each change of state takes; 0 = at once
	// path of the imgctl-sandbox executable, statically linked, that is the servers' init; "" = servers have states but no inside
	Agent       string
	ClockOffset time.Duration // how far the services' clock is ahead of this machine's; below 0 = behind
	RequestLog  io.Writer     // gets each answered request as a line of JSON; nil = none
	SSHPort     int           // port of the servers' SSH on their own addresses; 0 = 22
	SoftDelete  bool          // deleted servers stay SOFT_DELETED, and can be restored, until they are deleted by force
	Seed        Seed          // the initial content; the zero value = DefaultSeed()

	TokenLifetime time.Duration // 0 = one hour
	ImageQuotas   ImageQuotas
	NetworkQuotas NetworkQuotas
	VolumeQuotas  VolumeQuotas
	ServerQuotas  ServerQuotas
	Listed        Listed // further services
	Baremetal     Baremetal
}

// Cloud is a running sandbox.
type Cloud struct {
	services inside.Services

	dir     string
	tempDir bool
	url     string
	front   *front.Front
	faults  Faults
	server  *http.Server
	clock   *front.Clock
	logins  []login
	listed  *listed.Services

	closing   sync.Once
	closeErr  error
	serveDone chan struct{}
}

// Start serves a sandbox on loopback until Close.
func Start(ctx context.Context, o Options) (_ *Cloud, err error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	c := &Cloud{dir: o.Dir, clock: front.NewClock(o.Transition, o.ClockOffset), serveDone: make(chan struct{})}
	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "imgctl-sandbox-"); err != nil {
			return nil, fmt.Errorf("starting the sandbox: %w", err)
		}
		c.tempDir = true
	}
	defer func() {
		if err != nil {
			c.clock.Stop()
			c.removeDir()
		}
	}()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	c.url = "http://" + listener.Addr().String()
	if err := c.assemble(o); err != nil {
		listener.Close()
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	c.server = &http.Server{
		Handler: c.front, ConnContext: c.front.ConnContext, ReadHeaderTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0), // broken connections are what faults are for
	}
	go func() {
		defer close(c.serveDone)
		_ = c.server.Serve(listener) // ends by Close
	}()
	return c, nil
}

// complete fills in defaults and refuses what can't be served.
func (o *Options) complete() error {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("address %q is not a loopback one; use 127.0.0.1:PORT", o.Addr)
	}
	if o.SSHPort == 0 {
		o.SSHPort = 22
	}
	if o.Seed.empty() {
		o.Seed = DefaultSeed()
	}
	return nil
}

// assemble makes the services, wires them to each other and plants the seed.
func (c *Cloud) assemble(o Options) error {
	var err error
	c.services.Clock = c.clock
	if c.listed, err = listed.New(listed.Options{Names: o.Listed.Services, Clock: c.clock, MaxPage: o.Listed.MaxPage}); err != nil {
		return err
	}
	c.services.Identity = keystone.New(keystone.Options{
		TokenLifetime: o.TokenLifetime, Catalog: slices.Concat(catalog, c.listed.Catalog()), Clock: c.clock,
	})
	images, volumes, servers := filepath.Join(c.dir, "glance"), filepath.Join(c.dir, "volumes"), filepath.Join(c.dir, "servers")
	for _, dir := range []string{images, volumes, servers} {
		if err := private(dir); err != nil {
			return err
		}
	}
	if c.services.Image, err = glance.New(glance.Options{Dir: images, Clock: c.clock, Quotas: glance.Quotas(o.ImageQuotas)}); err != nil {
		return err
	}
	c.services.Network = neutron.New(neutron.Options{
		Clock: c.clock, Quotas: neutron.Quotas(o.NetworkQuotas),
		Free: func(address string) bool {
			return free(address, o.SSHPort)
		},
	})
	if c.services.Volume, err = cinder.New(cinder.Options{
		Dir: volumes, Clock: c.clock, Images: c.services.Image,
		Quotas: cinder.Quotas(o.VolumeQuotas),
	}); err != nil {
		return err
	}
	c.services.Baremetal = ironic.New(ironic.Options{
		Clock: c.clock, Images: c.services.Image, CallbackTimeout: o.Baremetal.CallbackTimeout, MaxPage: o.Baremetal.MaxPage,
		NoRamdisk: o.Baremetal.NoRamdisk,
	})
	c.services.Compute = nova.New(nova.Options{
		Dir: servers, Clock: c.clock, Agent: o.Agent, SSHPort: o.SSHPort, Quotas: nova.Quotas(o.ServerQuotas),
		SoftDelete: o.SoftDelete,
		Images:     c.services.Image, Networks: c.services.Network, Ports: c.services.Network, Volumes: c.services.Volume,
		Nodes: c.services.Baremetal,
	})
	c.services.Network.FloatingChanged = c.services.Compute.FloatingChanged
	c.front = front.New(c.services.Identity, append([]front.Service{
		c.services.Identity.Mount(), c.services.Image.Mount(), c.services.Compute.Mount(),
		c.services.Network.Mount(), c.services.Volume.Mount(), c.services.Baremetal.Mount(),
	}, c.listed.Mounts()...)...)
	c.front.Intercept, c.front.Now = c.faults.pick, c.clock.Now
	c.front.Log.Sink = o.sink()
	if err := c.plant(o.Seed); err != nil {
		return err
	}
	return c.writeCloudsYAML()
}

// private makes a folder that no other user may enter, because a server's root can put any files there, including
// setuid programs.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

var catalog = []keystone.Endpoint{
	{Type: "identity", Name: "keystone", Path: "/identity"},
	{Type: "image", Name: "glance", Path: "/image"},
	{Type: "compute", Name: "nova", Path: "/compute/v2.1"},
	{Type: "network", Name: "neutron", Path: "/network"},
	{Type: "volumev3", Name: "cinder", Path: "/volume/v3/%s"},
	{Type: "baremetal", Name: "ironic", Path: "/baremetal"},
}

// free reports whether nothing listens at an address, such as a server of another sandbox.
func free(address string, port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		return !errors.Is(err, syscall.EADDRINUSE)
	}
	l.Close()
	return true
}

// Close stops the services and the servers, and removes the folder if it was a temporary one.
func (c *Cloud) Close() error {
	c.closing.Do(func() {
		c.closeErr = c.server.Close()
		<-c.serveDone
		c.front.Close()
		c.clock.Stop()
		c.services.Compute.Close()
		c.removeDir()
	})
	return c.closeErr
}

func (c *Cloud) removeDir() {
	if c.tempDir {
		_ = os.RemoveAll(c.dir)
	}
}

// URL is where the services are mounted: /identity, /image, /compute, /network, /volume and /baremetal below it.
func (c *Cloud) URL() string { return c.url }

// Dir is the folder that the sandbox keeps its state in.
func (c *Cloud) Dir() string { return c.dir }

// Faults are the rules by which requests fail.
func (c *Cloud) Faults() *Faults { return &c.faults }

// ExpireTokens expires all tokens.
func (c *Cloud) ExpireTokens() { c.services.Identity.ExpireTokens() }

func init() { inside.Of = func(c any) *inside.Services { return &c.(*Cloud).services } }
