package nodepool

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/quota"
)

// Capacity is how many servers fit into a project, and why not more.
type Capacity struct {
	Servers int
	Reason  string
	Limits  []Bound // all that bound it, the tightest first
}

// Bound is how many servers a quota is enough for.
type Bound struct {
	Resource   quota.Resource
	Free, Each int64 // of the resource: free, and for one server
	Servers    int
}

// ParseMost reads a number of servers; auto is 0.
func ParseMost(text string) (int, error) {
	if text == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fault.Bad("max_servers", "give auto, or a number of servers", "%q is neither", text)
	}
	return n, nil
}

// capacity computes max-servers as the smallest of all quotas, less the headroom. Servers of the most demanding label
// are counted with.
func (o *Offer) capacity(most int) (Capacity, error) {
	c := Capacity{Limits: o.bounds()}
	if most > 0 {
		c.Servers, c.Reason = most, "as asked for"
		if len(c.Limits) > 0 && c.Limits[0].Servers < most {
			c.Reason += fmt.Sprintf("; the quota of %s is only enough for %d", c.Limits[0].Resource, c.Limits[0].Servers)
		}
		return c, nil
	}
	if len(c.Limits) == 0 {
		return c, fault.New(fault.Usage, fault.Advise("say how many servers to use, with %s", fault.Set("max_servers", 100)),
			"cloud %q: no quota limits the number of servers", o.Facts.Cloud)
	}
	least := c.Limits[0]
	c.Servers = max(0, least.Servers-o.Headroom)
	c.Reason = fmt.Sprintf("limited by %s: %d free", least.Resource, least.Free)
	if least.Each > 1 {
		c.Reason += fmt.Sprintf(", %d a server", least.Each)
	}
	if o.Headroom > 0 {
		c.Reason += fmt.Sprintf(", less %d of headroom", o.Headroom)
	}
	if c.Servers == 0 {
		return c, fault.New(fault.Quota, "free some, or have the quota raised", "cloud %q: no server fits: %s", o.Facts.Cloud, c.Reason)
	}
	return c, nil
}

func (o *Offer) bounds() []Bound {
	need := map[quota.Resource]int64{quota.Instances: 1, quota.Ports: int64(max(1, len(o.Networks)))}
	if o.Floating {
		need[quota.FloatingIPs] = 1
	}
	for _, l := range o.Labels {
		need[quota.Cores] = max(need[quota.Cores], int64(l.Flavor.VCPUs))
		need[quota.RAM] = max(need[quota.RAM], int64(l.Flavor.RAM))
		if l.OnVolume {
			need[quota.Volumes] = 1
			need[quota.Gigabytes] = max(need[quota.Gigabytes], int64(l.Disk))
		}
	}
	var all []Bound
	for _, r := range []quota.Resource{
		quota.Instances, quota.Cores, quota.RAM, quota.FloatingIPs, quota.Ports, quota.Volumes, quota.Gigabytes,
	} {
		l, told := o.Facts.Quotas.Limit(r)
		if each := need[r]; told && each > 0 && l.Free() < math.MaxInt64 {
			all = append(all, Bound{r, l.Free(), each, int(min(l.Free()/each, math.MaxInt32))})
		}
	}
	slices.SortStableFunc(all, func(a, b Bound) int { return a.Servers - b.Servers })
	return all
}
