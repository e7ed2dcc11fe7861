// Package mirror plans the server that a cloud's test nodes get packages from: its flavor, the volume with its data,
// and the lines of DNS that make it known. It only reads.
package mirror

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/quota"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// What a mirror needs at least.
const (
	LeastRAM   = 8192 // MiB
	LeastVCPUs = 4
	Disk       = 500 // GB, of a volume or of the flavor
)

// Options say how the mirror is called.
type Options struct {
	Domain   string // such as opendev.org
	Provider string // the cloud's part of the name; default the entry's name without "openstackci-"
	Disk     int    // GB; default Disk
}

// Part is one thing that the mirror is made of.
type Part struct{ Part, Value, Evidence string }

// Plan is how the mirror is to be made.
type Plan struct {
	Parts    []Part
	problems []error
}

// NewPlan looks for a flavor and room for the volume, and for the server, if it is there already.
func NewPlan(ctx context.Context, c *cloud.Cloud, o Options) (*Plan, error) {
	o.Disk = cmp.Or(o.Disk, Disk)
	p := &Plan{}
	region := strings.ToLower(cmp.Or(c.Region(), "regionone"))
	provider := cmp.Or(o.Provider, strings.TrimPrefix(c.Name(), "openstackci-"))
	name := label("mirror01." + region + "." + provider + "." + o.Domain)
	alias := label("mirror." + region + "." + provider + "." + o.Domain)
	server, err := find(ctx, c, name)
	if err != nil {
		return nil, err
	}
	p.server(name, server)
	if err := p.disk(ctx, c, o.Disk); err != nil {
		return nil, err
	}
	p.dns(name, alias, server)
	return p, nil
}

// label is a name of DNS: what it can't have becomes a dash.
func label(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
}

func find(ctx context.Context, c *cloud.Cloud, name string) (*servers.Server, error) {
	sc, err := c.Compute()
	if err != nil {
		return nil, err
	}
	all, err := nova.Servers(ctx, sc)
	if err != nil {
		return nil, err
	}
	for n := range all {
		if all[n].Name == name {
			return &all[n], nil
		}
	}
	return nil, nil
}

func (p *Plan) add(part, value, evidence string) {
	p.Parts = append(p.Parts, Part{part, value, evidence})
}

func (p *Plan) server(name string, server *servers.Server) {
	if server == nil {
		p.add("server", name, "it isn't there yet")
		return
	}
	p.add("server", name, "it is there, with the status "+server.Status)
}

// disk chooses the smallest flavor that is large enough, and where the mirror's data goes: preferably a volume.
func (p *Plan) disk(ctx context.Context, c *cloud.Cloud, disk int) error {
	q, err := quota.Read(ctx, c)
	if err != nil {
		return err
	}
	limit, told := q.Limit(quota.Gigabytes)
	volume := told && limit.Free() >= int64(disk)
	sc, err := c.Compute()
	if err != nil {
		return err
	}
	pages, err := flavors.ListDetail(sc, nil).AllPages(ctx)
	if err != nil {
		return fmt.Errorf("listing flavors: %w", cloud.Classify(err))
	}
	all, err := flavors.ExtractFlavors(pages)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(f flavors.Flavor) bool {
		return f.RAM < LeastRAM || f.VCPUs < LeastVCPUs || !volume && f.Disk < disk
	})
	best := func(a, b flavors.Flavor) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.RAM, b.RAM), cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.Disk, b.Disk),
			strings.Compare(a.Name, b.Name))
	}
	switch {
	case len(all) == 0 && volume:
		p.problem("flavor", fault.New(fault.NotFound, "ask the donor for one", "no flavor has %d MiB of memory and %d vCPUs",
			LeastRAM, LeastVCPUs))
	case len(all) == 0:
		p.problem("flavor", fault.New(fault.Quota, "ask the donor for a larger quota of volumes",
			"there is no room for a volume of %d GB, and no flavor has %d MiB of memory, %d vCPUs and such a disk", disk,
			LeastRAM, LeastVCPUs))
	default:
		f := slices.MinFunc(all, best)
		p.add("flavor", f.Name, fmt.Sprintf("%d MiB, %d vCPUs, %d GB", f.RAM, f.VCPUs, f.Disk))
	}
	switch {
	case volume && limit.Max < 0:
		p.add("volume", fmt.Sprintf("%d GB", disk), "the quota has no limit")
	case volume:
		p.add("volume", fmt.Sprintf("%d GB", disk), fmt.Sprintf("%d GB of the quota are free", limit.Free()))
	case len(all) > 0:
		p.add("volume", "none", "the flavor's disk is large enough, and the quota has no room for a volume")
	}
	return nil
}

// rank puts the flavor first that is called what it is for.
func rank(f flavors.Flavor) int {
	if f.Name == "mirror" {
		return 0
	}
	return 1
}

func (p *Plan) problem(part string, err error) {
	text, _ := fault.Spell(err, fault.Neutral)
	p.add(part, "", text)
	p.problems = append(p.problems, err)
}

// dns are lines for the zone: the server's addresses, and the name by which test nodes know it.
func (p *Plan) dns(name, alias string, server *servers.Server) {
	v4, v6 := "ADDRESS", "ADDRESS6"
	why := "once the server has them"
	if server != nil {
		why = ""
		v4, v6 = addresses(server)
	}
	if v4 != "" {
		p.add("dns", name+". IN A "+v4, why)
	}
	if v6 != "" {
		p.add("dns", name+". IN AAAA "+v6, why)
	}
	p.add("dns", alias+". IN CNAME "+name+".", "")
}

// addresses are the server's, floating ones first.
func addresses(server *servers.Server) (v4, v6 string) {
	for _, floating := range []bool{true, false} {
		for _, list := range server.Addresses {
			items, _ := list.([]any)
			for _, item := range items {
				one, _ := item.(map[string]any)
				text, _ := one["addr"].(string)
				a, err := netip.ParseAddr(text)
				if err != nil || (one["OS-EXT-IPS:type"] == "floating") != floating {
					continue
				}
				if a.Is4() {
					v4 = cmp.Or(v4, text)
				} else {
					v6 = cmp.Or(v6, text)
				}
			}
		}
	}
	return v4, v6
}

// Rows are the parts.
func (p *Plan) Rows() (rows []change.Row) {
	for _, part := range p.Parts {
		rows = append(rows, change.Row{
			{Key: "part", Value: part.Part}, {Key: "value", Value: part.Value}, {Key: "evidence", Value: part.Evidence},
		})
	}
	return rows
}

// Problem is why the mirror can't be made, nil if it can.
func (p *Plan) Problem() error {
	if len(p.problems) == 0 {
		return nil
	}
	return p.problems[0]
}
