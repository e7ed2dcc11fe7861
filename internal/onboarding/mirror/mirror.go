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

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/names"
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
	Provider string // the cloud's part of the name; default the entry's name without "openstackci-" and the like
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
	provider := cmp.Or(o.Provider, names.Provider(c.Name()))
	name := names.Host("mirror01.{region}.{cloud}."+o.Domain, c.Region(), provider)
	alias := names.Host("mirror.{region}.{cloud}."+o.Domain, c.Region(), provider)
	server, err := find(ctx, c, name)
	if err != nil {
		return nil, err
	}
	p.server(name, server)
	if err := p.disk(ctx, c, o.Disk, name, server); err != nil {
		return nil, err
	}
	p.dns(name, alias, server)
	return p, nil
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

// disk chooses the smallest flavor that is large enough, and where the mirror's data goes: preferably a volume. What
// the mirror has already takes nothing more of the quota.
func (p *Plan) disk(ctx context.Context, c *cloud.Cloud, disk int, name string, server *servers.Server) error {
	mine, err := volumesOf(ctx, c, name, server)
	if err != nil {
		return err
	}
	q, err := quota.Read(ctx, c)
	if err != nil {
		return err
	}
	limit, told := q.Limit(quota.Gigabytes)
	number, counted := q.Limit(quota.Volumes)
	room := told && limit.Free() >= int64(disk) && (!counted || number.Free() >= 1)
	there := slices.ContainsFunc(mine, func(v volumes.Volume) bool { return v.Size >= disk })
	if err := p.flavor(ctx, c, disk, room || there, server); err != nil {
		return err
	}
	flavor := len(p.problems) == 0
	switch {
	case there:
		v := mine[slices.IndexFunc(mine, func(v volumes.Volume) bool { return v.Size >= disk })]
		p.add("volume", fmt.Sprintf("%d GB", v.Size), fmt.Sprintf("it is there: %s, with the status %s", cmp.Or(v.Name, v.ID), v.Status))
	case room && limit.Max < 0:
		p.add("volume", fmt.Sprintf("%d GB", disk), "the quota has no limit")
	case room:
		p.add("volume", fmt.Sprintf("%d GB", disk), fmt.Sprintf("%d GB of the quota are free", limit.Free()))
	case flavor:
		p.add("volume", "none", "the flavor's disk is large enough, and the quota has no room for a volume")
	}
	return nil
}

// flavor chooses one, or names that of the server. volume says that the data are on a volume.
func (p *Plan) flavor(ctx context.Context, c *cloud.Cloud, disk int, volume bool, server *servers.Server) error {
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
	if server != nil {
		for _, f := range all {
			if f.ID == server.Flavor["id"] || f.Name == server.Flavor["original_name"] {
				all, volume = []flavors.Flavor{f}, volume || f.Disk >= disk
			}
		}
	}
	enough := slices.DeleteFunc(slices.Clone(all), func(f flavors.Flavor) bool {
		return f.RAM < LeastRAM || f.VCPUs < LeastVCPUs || !volume && f.Disk < disk
	})
	best := func(a, b flavors.Flavor) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.RAM, b.RAM), cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.Disk, b.Disk),
			strings.Compare(a.Name, b.Name))
	}
	switch {
	case len(enough) == 0 && volume:
		p.problem("flavor", fault.New(fault.NotFound, "ask the donor for one", "no flavor has %d MiB of memory and %d vCPUs",
			LeastRAM, LeastVCPUs))
	case len(enough) == 0:
		p.problem("flavor", fault.New(fault.Quota, "ask the donor to raise the volume quota, or for such a flavor",
			"the volume quota has no room for %d GB, and no flavor has %d MiB of memory, %d vCPUs and a disk of that size", disk,
			LeastRAM, LeastVCPUs))
	default:
		f := slices.MinFunc(enough, best)
		p.add("flavor", f.Name, fmt.Sprintf("%d MiB, %d vCPUs, %d GB", f.RAM, f.VCPUs, f.Disk))
	}
	return nil
}

// volumesOf are the volumes of the mirror: those at its server, and those with its name.
func volumesOf(ctx context.Context, c *cloud.Cloud, name string, server *servers.Server) ([]volumes.Volume, error) {
	sc, err := c.BlockStorage()
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pages, err := volumes.List(sc, nil).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing volumes: %w", cloud.Classify(err))
	}
	all, err := volumes.ExtractVolumes(pages)
	return slices.DeleteFunc(all, func(v volumes.Volume) bool {
		attached := server != nil && slices.ContainsFunc(v.Attachments, func(a volumes.Attachment) bool { return a.ServerID == server.ID })
		return !attached && v.Name != name && !strings.HasPrefix(v.Name, name+"-")
	}), err
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
