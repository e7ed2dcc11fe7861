package nodepool

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Offer is a provider that fits a cloud.
type Offer struct {
	Request
	Facts     *Facts
	Labels    []Offered
	Networks  []string
	Zones     []string // none where there is only one
	Floating  bool     // each server takes a floating IP
	Capacity  Capacity
	Generated string // provider's name
}

// Offered is a label with the flavor that was chosen for it.
type Offered struct {
	Wanted
	Flavor   flavors.Flavor
	OnVolume bool // the flavor has no disk of that size: servers boot from volumes
}

// Fit chooses what in the cloud a request gets. most is max-servers, 0 for what the quotas allow.
func (r *Request) Fit(f *Facts, most int) (*Offer, error) {
	o := &Offer{Request: *r, Facts: f, Generated: r.Provider}
	if o.Generated == "" {
		o.Generated = providerName(f.Cloud, f.Region)
	}
	for _, w := range r.Labels {
		chosen, err := w.choose(f)
		if err != nil {
			return nil, err
		}
		o.Labels = append(o.Labels, chosen)
	}
	if err := o.chooseNetworks(); err != nil {
		return nil, err
	}
	for _, name := range r.SecurityGroups {
		if !slices.Contains(f.Groups, name) {
			return nil, missing("security group", name, f.Groups)
		}
	}
	for _, zone := range r.Zones {
		if !slices.Contains(f.Zones, zone) {
			return nil, missing("availability zone", zone, f.Zones)
		}
	}
	if o.Zones = r.Zones; len(o.Zones) == 0 && len(f.Zones) > 1 {
		o.Zones = f.Zones
	}
	var err error
	o.Capacity, err = o.capacity(most)
	return o, err
}

func missing(what, name string, known []string) error {
	return fault.New(fault.NotFound, fault.Advise("the cloud has %s", strings.Join(slices.Sorted(slices.Values(known)), ", ")),
		"there is no %s %q%s", what, name, meant(name, known))
}

func providerName(cloud, region string) string {
	name := strings.ToLower(cloud)
	if region != "" && !strings.HasSuffix(name, strings.ToLower(region)) {
		name += "-" + strings.ToLower(region)
	}
	return strings.Trim(unfit.ReplaceAllString(name, "-"), "-.")
}

// choose finds the smallest flavor that has enough of everything. One with a disk of its own is preferred.
func (w Wanted) choose(f *Facts) (Offered, error) {
	var fit []flavors.Flavor
	for _, flavor := range f.Flavors {
		if flavor.RAM >= w.RAM && flavor.VCPUs >= w.VCPUs && strings.Contains(flavor.Name, w.FlavorName) {
			fit = append(fit, flavor)
		}
	}
	_, volumes := f.Quotas.Limit("volumes")
	if !volumes {
		fit = slices.DeleteFunc(fit, func(flavor flavors.Flavor) bool { return flavor.Disk < w.Disk })
	}
	if len(fit) == 0 {
		return Offered{}, fault.New(fault.NotFound, fault.Advise("the largest flavor is %s", largest(f.Flavors)),
			"label %q: no flavor has %d MiB of memory, %d vCPUs and %d GiB of disk%s", w.Name, w.RAM, w.VCPUs, w.Disk, w.named())
	}
	slices.SortStableFunc(fit, func(a, b flavors.Flavor) int {
		return cmp.Or(cmp.Compare(rank(a.Disk < w.Disk), rank(b.Disk < w.Disk)), cmp.Compare(a.RAM, b.RAM), cmp.Compare(a.VCPUs, b.VCPUs),
			cmp.Compare(a.Disk, b.Disk), cmp.Compare(a.Name, b.Name))
	})
	return Offered{Wanted: w, Flavor: fit[0], OnVolume: fit[0].Disk < w.Disk}, nil
}

func (w Wanted) named() string {
	if w.FlavorName == "" {
		return ""
	}
	return fmt.Sprintf(" and %q in its name", w.FlavorName)
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

func largest(all []flavors.Flavor) string {
	if len(all) == 0 {
		return "none"
	}
	f := slices.MaxFunc(all, func(a, b flavors.Flavor) int { return cmp.Or(cmp.Compare(a.RAM, b.RAM), cmp.Compare(a.VCPUs, b.VCPUs)) })
	return fmt.Sprintf("%s (%d MiB, %d vCPUs, %d GiB)", f.Name, f.RAM, f.VCPUs, f.Disk)
}

// chooseNetworks takes the networks that were named, or the only one that servers can use.
func (o *Offer) chooseNetworks() error {
	byName := map[string]Network{}
	var names, own, shared []string
	outside := false
	for _, n := range o.Facts.Networks {
		byName[n.Name], byName[n.ID] = n, n
		names = append(names, n.Name)
		switch {
		case n.External:
			outside = true
		case n.ProjectID == o.Facts.project || n.TenantID == o.Facts.project:
			own = append(own, n.Name)
		case n.Shared:
			shared = append(shared, n.Name)
		}
	}
	o.Networks = o.Request.Networks
	for _, name := range o.Networks {
		if _, ok := byName[name]; !ok {
			return missing("network", name, names)
		}
	}
	if len(o.Networks) == 0 {
		usable := own
		if len(usable) == 0 {
			usable = shared
		}
		if len(usable) > 1 {
			return fault.New(fault.Ambiguous, "name those to use in networks, in the file of labels",
				"servers can be connected to any of the "+
					"networks %q", usable)
		}
		o.Networks = usable
	}
	private := len(o.Networks) > 0
	for _, name := range o.Networks {
		private = private && !byName[name].External
	}
	switch o.FloatingIPs {
	case Always:
		o.Floating = true
	case Never:
	default:
		o.Floating = private && outside
	}
	return nil
}
