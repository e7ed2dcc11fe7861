package boottest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Plan is a test that is about to run. It is a change.Plan; its one row has image_id, image, flavor, signs and
// outcome. The outcome is passed or failed once it is known; that of an image which has passed the same test is
// known before.
type Plan struct {
	Image   *glance.Image
	Flavor  *flavors.Flavor
	Options Options

	site        Site
	networks    []neutron.Named
	groups      []string // ids
	floatingNet string   // id
	outcome     string
	ran         bool
}

// Test makes a plan and carries it out, for those who ask only whether the image passes.
func Test(ctx context.Context, site Site, o Options, rep report.Reporter) error {
	p, err := NewPlan(ctx, site, o)
	if err != nil {
		return err
	}
	err = p.Apply(ctx, rep)
	if fault.Is(err, fault.Partial) { // the image has passed
		rep.Warn("%s", err)
		return nil
	}
	return err
}

// NewPlan finds the image and what its server needs.
func NewPlan(ctx context.Context, site Site, o Options) (*Plan, error) {
	if err := errors.Join(o.Validate()...); err != nil {
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	o = o.withDefaults()
	img, err := site.Images.Image(ctx, o.Image)
	if err != nil {
		return nil, err
	}
	p := &Plan{Image: img, Options: o, site: site}
	if passed(img, o) && !o.Again {
		p.outcome = Passed
	}
	if img.Status != glance.StatusActive {
		return nil, fault.New(fault.Conflict, "test it when it is active", "image %s has status %q", img, img.Status)
	}
	if p.Flavor, err = nova.Flavor(ctx, site.Compute, o.Flavor); err != nil {
		return nil, err
	}
	if p.Flavor.RAM < img.MinRAM || p.Flavor.Disk > 0 && p.Flavor.Disk < img.MinDisk {
		return nil, fault.New(fault.Usage, fault.Advise("choose a larger one with %s", fault.Option("flavor")),
			"%s: %q has %d GiB of disk and %d MiB of memory; image %s needs %d GiB and %d MiB", fault.Option("flavor"), p.Flavor.Name,
			p.Flavor.Disk, p.Flavor.RAM, img, img.MinDisk, img.MinRAM)
	}
	return p, p.findNetworks(ctx)
}

func (p *Plan) findNetworks(ctx context.Context) (err error) {
	sc, o := p.site.Network, p.Options
	if p.networks, err = neutron.Resolve(ctx, sc, "network", "networks", o.Networks, nil); err != nil {
		return err
	}
	groups, err := neutron.Resolve(ctx, sc, "security_group", "security-groups", o.SecurityGroups,
		url.Values{"project_id": {p.site.Cloud.Project().ID}})
	if err != nil {
		return err
	}
	for _, g := range groups {
		p.groups = append(p.groups, g.ID)
	}
	if o.FloatingIPNetwork == "" {
		return nil
	}
	external, err := neutron.Resolve(ctx, sc, "floating_ip_network", "networks", []string{o.FloatingIPNetwork},
		url.Values{"router:external": {"true"}})
	if err != nil {
		return err
	}
	p.floatingNet = external[0].ID
	if len(p.networks) > 0 {
		return nil
	}
	// The floating IP's port is made before the server, on the network that Nova would choose.
	found, err := neutron.List(ctx, sc, "networks", url.Values{"router:external": {"false"}})
	if err != nil {
		return fault.In("network", err)
	}
	for _, n := range found {
		if n.Shared || n.ProjectID == p.site.Cloud.Project().ID {
			p.networks = append(p.networks, n)
		}
	}
	if len(p.networks) == 0 {
		return fault.New(fault.Usage, "make a network for servers, or choose another project",
			"the project sees no network that the floating IP's server can be on")
	}
	if len(p.networks) > 1 {
		var names []string
		for _, n := range p.networks {
			names = append(names, cmp.Or(n.Name, n.ID))
		}
		slices.Sort(names)
		return fault.New(fault.Usage, fault.Advise("choose one with %s", fault.Option("network")),
			"the floating IP's server can be on any of these networks: %s", strings.Join(names, ", "))
	}
	return nil
}

// Done reports whether the image has passed this test already.
func (p *Plan) Done() bool { return p.outcome == Passed && !p.ran }

// Loss is none.
func (p *Plan) Loss() string { return "" }

// Notes are none.
func (p *Plan) Notes() []fault.Advice { return nil }

// Rows are the one row.
func (p *Plan) Rows() []change.Row {
	return []change.Row{{
		{Key: "image_id", Value: p.Image.ID},
		{Key: "image", Value: p.Image.Name},
		{Key: "flavor", Value: p.Flavor.Name},
		{Key: "signs", Value: p.Options.Signs()},
		{Key: "outcome", Value: p.outcome},
	}}
}

// Apply runs the test. An image that fails is an error of kind fault.Conflict that wraps a Failure. Of kind
// fault.Partial, the image has passed, and something that the test made is left. Other errors say nothing about the
// image.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	if p.Done() {
		rep.Step("Image %s has passed this boot test before", p.Image)
		return nil
	}
	p.ran = true
	rep.Step("Boot test of image %s: %s", p.Image, strings.Join(p.Options.Signs(), ", "))
	err := p.test(ctx, rep)
	failure, failed := errors.AsType[*Failure](err)
	switch {
	case failed:
		p.outcome = Failed
		rep.Warn("image %s failed the boot test", p.Image)
		p.mark(ctx, rep, Failed, failure.Reason())
		return fault.Wrap(fault.Conflict, "", fmt.Errorf("image %s failed the boot test: %w", p.Image, err))
	case err != nil && !fault.Is(err, fault.Partial):
		return fmt.Errorf("testing image %s: %w", p.Image, err)
	}
	p.outcome = Passed
	rep.Step("Image %s passed the boot test", p.Image)
	p.mark(ctx, rep, Passed, "")
	return err
}
