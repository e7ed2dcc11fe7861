package boottest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/guest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// trial is a test under way.
type trial struct {
	*Plan
	rep      report.Reporter
	left     cloud.Leftovers
	deadline time.Time // after which what it made is left over

	key      ssh.Signer
	keyName  string
	port     string
	finding  sync.Mutex
	waiting  sync.Once // says that SSH is waited for
	address  string    // that is connected to; "" until the server has one
	server   string    // id
	made     *cloud.Thing
	inFlight []*cloud.Thing // to be removed after the server
}

// slack is what a test may take beyond its timeouts.
const slack = 10 * time.Minute

// test boots the server, waits for the signs of life, and removes everything.
func (p *Plan) test(ctx context.Context, rep report.Reporter) (err error) {
	t := &trial{Plan: p, rep: rep}
	t.deadline = p.site.Cloud.Now().Add(p.Options.Timeout + 2*p.Options.CleanupTimeout + slack)
	defer func() {
		rep.Step("Removing the boot test's server")
		left := t.left.Remove(ctx, p.Options.CleanupTimeout)
		if left == nil {
			return
		}
		advice := fault.Advise("remove the rest with %s", fault.Do("sweep", "").With("run", string(p.site.Run)).With("apply", true))
		if err != nil {
			rep.Warn("the boot test couldn't remove all that it made: %v; %s", left, advice)
			return
		}
		err = fault.Wrap(fault.Partial, advice, fmt.Errorf("the boot test couldn't remove all that it made: %w", left))
	}()
	within, cancel := context.WithTimeoutCause(ctx, p.Options.Timeout, errTooLong)
	defer cancel()
	for _, step := range []func(context.Context) error{t.makeKey, t.makeGroup, t.makePort, t.boot} {
		if err := step(within); err != nil {
			if errors.Is(context.Cause(within), errTooLong) && ctx.Err() == nil {
				return fault.Wrap(fault.Unavailable, fault.Advise("give it more time with %s", fault.Option("timeout")), err)
			}
			return err
		}
	}
	return t.live(ctx, within)
}

var errTooLong = errors.New("the boot test took too long")

func (t *trial) name() string        { return t.site.Run.Name() }
func (t *trial) description() string { return t.site.Run.Description(t.deadline) }

// makeKey uploads a key that exists for this test alone.
func (t *trial) makeKey(ctx context.Context) error {
	if t.Options.SSHUser == "" {
		return nil
	}
	err := t.uploadKey(ctx, guest.Key)
	if gophercloud.ResponseCodeIs(err, http.StatusBadRequest) {
		err = t.uploadKey(ctx, guest.RSAKey) // the cloud refuses ed25519
	}
	if err != nil {
		return fmt.Errorf("creating key pair %q: %w", t.name(), cloud.Classify(err))
	}
	t.keyName = t.name()
	return nil
}

func (t *trial) uploadKey(ctx context.Context, newKey func() (ssh.Signer, string, error)) error {
	key, public, err := newKey()
	if err != nil {
		return err
	}
	t.key = key
	return nova.MakeKeyPair(ctx, t.site.Compute, t.left.Expect(nova.KeyPairThing(t.site.Compute, t.name(), public)), t.name(), public)
}

// makeGroup makes a security group that lets the tested ports in, if none was named.
func (t *trial) makeGroup(ctx context.Context) error {
	if len(t.groups) > 0 || len(t.Options.tested()) == 0 {
		return nil
	}
	thing := t.expectUsed(neutron.GroupThing(t.site.Network, t.name()))
	id, err := neutron.MakeGroup(ctx, t.site.Network, thing, groups.CreateOpts{Name: t.name(), Description: t.description()},
		t.Options.tested())
	if err != nil {
		return fmt.Errorf("creating security group %q: %w", t.name(), cloud.Classify(err))
	}
	t.groups = []string{id}
	return nil
}

// makePort makes the server's port with its floating IP, if one was asked for.
func (t *trial) makePort(ctx context.Context) error {
	if t.floatingNet == "" {
		return nil
	}
	sc := t.site.Network
	opts := ports.CreateOpts{NetworkID: t.networks[0].ID, Name: t.name(), Description: t.description()}
	if len(t.groups) > 0 {
		opts.SecurityGroups = &t.groups
	}
	var err error
	if t.port, err = neutron.MakePort(ctx, sc, t.expectUsed(neutron.PortThing(sc, t.name())), opts); err != nil {
		return fmt.Errorf("creating a port on network %q: %w", t.networks[0].Name, cloud.Classify(err))
	}
	ip, err := neutron.MakeFloatingIP(ctx, sc, t.left.Expect(neutron.FloatingIPThing(sc, t.description())), floatingips.CreateOpts{
		FloatingNetworkID: t.floatingNet, PortID: t.port, Description: t.description(),
	})
	if err != nil {
		return fmt.Errorf("creating a floating IP from %q: %w", t.Options.FloatingIPNetwork, cloud.Classify(err))
	}
	t.address = ip.FloatingIP
	return nil
}

// expectUsed records a thing that can only be removed after the server.
func (t *trial) expectUsed(thing *cloud.Thing) *cloud.Thing {
	t.inFlight = append(t.inFlight, thing)
	return t.left.Expect(thing)
}

// boot boots the server and waits until Nova calls it active.
func (t *trial) boot(ctx context.Context) error {
	sc, o := t.site.Compute, t.Options
	t.made = t.left.Expect(nova.ServerThing(sc, t.site.Run, t.name(), false))
	for _, thing := range t.inFlight {
		thing.After = t.made
	}
	opts := servers.CreateOpts{
		Name: t.name(), ImageRef: t.Image.ID, FlavorRef: t.Flavor.ID, SecurityGroups: t.groups, AvailabilityZone: o.AvailabilityZone,
		UserData: []byte(o.UserData), Metadata: t.site.Run.Metadata(t.deadline),
	}
	if o.ConfigDrive {
		opts.ConfigDrive = &o.ConfigDrive
	}
	if t.attach() != nil {
		opts.Networks = t.attach()
	}
	var body servers.CreateOptsBuilder = opts
	if t.keyName != "" {
		body = keypairs.CreateOptsExt{CreateOptsBuilder: opts, KeyName: t.keyName}
	}
	var err error
	if t.server, err = nova.MakeServer(ctx, sc, t.made, t.name(), body, nil); err != nil {
		return err
	}
	t.rep.Step("Server %s", t.server)
	err = t.site.Pace.Wait(ctx, "server to be active", o.Timeout, func(ctx context.Context) (bool, error) {
		_, done, err := nova.Is(ctx, sc, t.server, "ACTIVE")
		return done, err
	})
	return t.blame(ctx, err)
}

// attach are the server's networks, first that of the port.
func (t *trial) attach() (all []servers.Network) {
	for n, net := range t.networks {
		if n == 0 && t.port != "" {
			all = append(all, servers.Network{Port: t.port})
			continue
		}
		all = append(all, servers.Network{UUID: net.ID})
	}
	return all
}
