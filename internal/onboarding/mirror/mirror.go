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
	Disk       = 500 // GB of data, on a volume or in the flavor
	BootDisk   = 250 // GB to boot from, in the flavor or on a volume
)

// Options say how the mirror is called.
type Options struct {
	Domain   string // such as opendev.org
	Provider string // the cloud's part of the name; default the entry's name without "openstackci-" and the like
	Disk     int    // GB of data; default Disk
	BootDisk int    // GB to boot from; default BootDisk
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
	o.Disk, o.BootDisk = cmp.Or(o.Disk, Disk), cmp.Or(o.BootDisk, BootDisk)
	p := &Plan{}
	provider := cmp.Or(o.Provider, names.Provider(c.Name()))
	name := names.Host("mirror01.{region}.{cloud}."+o.Domain, c.Region(), provider)
	alias := names.Host("mirror.{region}.{cloud}."+o.Domain, c.Region(), provider)
	server, err := find(ctx, c, name)
	if err != nil {
		return nil, err
	}
	p.server(name, server)
	if err := p.disk(ctx, c, o, name, server); err != nil {
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

// disk chooses the smallest flavor that is large enough, and where the mirror's data goes: preferably a volume. A
// flavor with too small a disk boots from a volume, which takes of the same quota. What the mirror has already takes
// nothing more of it.
func (p *Plan) disk(ctx context.Context, c *cloud.Cloud, o Options, name string, server *servers.Server) error {
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
	r := room{
		Options: o, made: server != nil, fits: func(volumes, gigabytes int) bool {
			return volumes == 0 || told && limit.Free() >= int64(gigabytes) && (!counted || number.Free() >= int64(volumes))
		},
		data: slices.IndexFunc(mine, func(v volumes.Volume) bool { return v.Size >= o.Disk && (server != nil || !bootable(v)) }),
		boot: slices.IndexFunc(mine, func(v volumes.Volume) bool { return server == nil && v.Size >= o.BootDisk && bootable(v) }),
	}
	f, err := p.flavor(ctx, c, r, server)
	if err != nil {
		return err
	}
	there := func(v volumes.Volume) string {
		return fmt.Sprintf("it is there: %s, with the status %s", cmp.Or(v.Name, v.ID), v.Status)
	}
	switch {
	case r.boot >= 0:
		p.add("boot volume", fmt.Sprintf("%d GB", mine[r.boot].Size), there(mine[r.boot]))
	case f != nil && r.boots(*f):
		p.add("boot volume", fmt.Sprintf("%d GB", o.BootDisk), fmt.Sprintf("the flavor's disk has %d GB", f.Disk))
	}
	switch {
	case r.data >= 0:
		p.add("volume", fmt.Sprintf("%d GB", mine[r.data].Size), there(mine[r.data]))
	case f == nil:
	case r.onVolume(*f) && limit.Max < 0:
		p.add("volume", fmt.Sprintf("%d GB", o.Disk), "the quota has no limit")
	case r.onVolume(*f):
		p.add("volume", fmt.Sprintf("%d GB", o.Disk), fmt.Sprintf("%d GB of the quota are free", limit.Free()))
	default:
		p.add("volume", "none", "the flavor's disk is large enough, and the quota has no room for a volume")
	}
	return nil
}

func bootable(v volumes.Volume) bool { return v.Bootable == "true" }

// room is what there is for the mirror's disks.
type room struct {
	Options
	made       bool // the server is there
	data, boot int  // the volumes that are there; -1: none
	fits       func(volumes, gigabytes int) bool
}

// boots says that a server of the flavor needs a new volume to boot from.
func (r room) boots(f flavors.Flavor) bool { return !r.made && r.boot < 0 && f.Disk < r.BootDisk }

// onVolume says that the data are on a volume, if the server has the flavor.
func (r room) onVolume(f flavors.Flavor) bool {
	volumes, gigabytes := r.needs(f)
	return r.data >= 0 || r.fits(volumes+1, gigabytes+r.Disk)
}

// needs are the new volumes without that of the data.
func (r room) needs(f flavors.Flavor) (volumes, gigabytes int) {
	if r.boots(f) {
		return 1, r.BootDisk
	}
	return 0, 0
}

// holds says that there is room for a server of the flavor.
func (r room) holds(f flavors.Flavor) bool {
	return (r.data >= 0 || f.Disk >= r.Disk || r.onVolume(f)) && r.fits(r.needs(f))
}

// flavor chooses one, or names that of the server; nil if none will do.
func (p *Plan) flavor(ctx context.Context, c *cloud.Cloud, r room, server *servers.Server) (*flavors.Flavor, error) {
	sc, err := c.Compute()
	if err != nil {
		return nil, err
	}
	pages, err := flavors.ListDetail(sc, nil).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing flavors: %w", cloud.Classify(err))
	}
	all, err := flavors.ExtractFlavors(pages)
	if err != nil {
		return nil, err
	}
	if server != nil {
		for _, f := range all {
			if f.ID == server.Flavor["id"] || f.Name == server.Flavor["original_name"] {
				all = []flavors.Flavor{f}
				break
			}
		}
	}
	large := slices.DeleteFunc(all, func(f flavors.Flavor) bool { return f.RAM < LeastRAM || f.VCPUs < LeastVCPUs })
	if len(large) == 0 {
		p.problem("flavor", fault.New(fault.NotFound, "ask the donor for one", "no flavor has %d MiB of memory and %d vCPUs",
			LeastRAM, LeastVCPUs))
		return nil, nil
	}
	enough := slices.DeleteFunc(slices.Clone(large), func(f flavors.Flavor) bool { return !r.holds(f) })
	if len(enough) == 0 {
		p.problem("flavor", r.problem(large))
		return nil, nil
	}
	f := slices.MinFunc(enough, func(a, b flavors.Flavor) int {
		return cmp.Or(rank(a.Name != "mirror")-rank(b.Name != "mirror"), rank(r.boots(a))-rank(r.boots(b)), cmp.Compare(a.RAM, b.RAM),
			cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.Disk, b.Disk), strings.Compare(a.Name, b.Name))
	})
	p.add("flavor", f.Name, fmt.Sprintf("%d MiB, %d vCPUs, %d GB", f.RAM, f.VCPUs, f.Disk))
	return &f, nil
}

// problem says what there is no room for, by the flavor with the largest disk.
func (r room) problem(large []flavors.Flavor) error {
	f := slices.MaxFunc(large, func(a, b flavors.Flavor) int { return cmp.Compare(a.Disk, b.Disk) })
	what := fmt.Sprintf("%d GB", r.Disk)
	if r.boots(f) {
		what = fmt.Sprintf("%d GB to boot from and %s of data", r.BootDisk, what)
		if r.data >= 0 {
			what = fmt.Sprintf("%d GB to boot from", r.BootDisk)
		}
	}
	return fault.New(fault.Quota, "ask the donor to raise the volume quota, or for such a flavor",
		"the volume quota has no room for %s, and no flavor has %d MiB of memory, %d vCPUs and a disk of that size", what, LeastRAM,
		LeastVCPUs)
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

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
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
