package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// ways are how servers can get public addresses.
type ways struct {
	direct []network // networks that servers can be on, and that lead outside
	pools  []network // external networks, of which floating IPs come
}

// ways sorts the networks that the project sees.
func (s *side) ways() ways {
	public := map[string]bool{}
	for _, sub := range s.subnets.value {
		if isPublic(sub) {
			public[sub.NetworkID] = true
		}
	}
	var w ways
	for _, n := range s.networks.value {
		usable := n.Shared || n.ProjectID == s.there.Project().ID
		switch {
		case usable && (public[n.ID] || n.External):
			w.direct = append(w.direct, n)
		case n.External:
			w.pools = append(w.pools, n)
		}
	}
	return w
}

// named reports whether one of the networks has the name or id.
func named(all []network, ref string) bool {
	return slices.ContainsFunc(all, func(n network) bool { return ref != "" && (n.ID == ref || n.Name == ref) })
}

// isPublic reports whether a subnet's addresses are routed in the Internet.
func isPublic(s subnets.Subnet) bool {
	p, err := netip.ParsePrefix(s.CIDR)
	if err != nil {
		return false
	}
	a := p.Addr()
	shared := netip.MustParsePrefix("100.64.0.0/10") // between a provider's routers
	return a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback() && !shared.Contains(a)
}

func addresses(_ context.Context, e *env) finding {
	s := e.test
	switch {
	case s.networks.err != nil:
		return unknown(s.networks.err)
	case s.subnets.err != nil:
		return unknown(s.subnets.err)
	}
	w := s.ways()
	if len(w.direct) > 0 {
		return s.room("servers can be on network", w.direct, e.p.Test.Nodes, "which leads outside")
	}
	if len(w.pools) > 0 {
		return s.room("floating IPs come from network", w.pools, e.p.Test.Nodes, "")
	}
	return found(unmet, fault.Advise("share a network that is routed to the Internet, or provide an external one for floating IPs"),
		"none of the %s that the project sees has public addresses, and none is external", count(len(s.networks.value), "network"))
}

// room says which networks there are, and whether they have addresses left where the cloud tells that.
func (s *side) room(before string, all []network, least int, after string) finding {
	var names []string
	free, known := int64(0), false
	for _, n := range all {
		names = append(names, n.Name+s.versions(n.ID))
		if f, ok := s.free.value[n.ID]; ok {
			free, known = free+f, true
		}
	}
	text := strings.TrimSuffix(fmt.Sprintf("%s %s, %s", before, strings.Join(names, ", "), after), ", ")
	switch {
	case !known:
		return pass("%s; how many addresses are free is told only to administrators", text)
	case free < int64(least):
		return found(unmet, fault.Advise("add a subnet with %d free addresses", least), "%s; only %d of %d addresses are free", text, free,
			least)
	}
	return pass("%s; %d addresses are free", text, free)
}

// versions are the versions of IP of a network's addresses, in brackets; "" if its subnets aren't visible.
func (s *side) versions(network string) string {
	four, six := false, false
	for _, sub := range s.subnets.value {
		if sub.NetworkID == network {
			four, six = four || sub.IPVersion == 4, six || sub.IPVersion == 6
		}
	}
	switch {
	case four && six:
		return " (IPv4 and IPv6)"
	case six:
		return " (IPv6)"
	case four:
		return " (IPv4)"
	}
	return ""
}

func notBooted(ctx context.Context, e *env) finding {
	if e.booted != nil {
		return *e.booted
	}
	if e.o.Active != nil && e.test.there != nil {
		return e.wouldBoot(ctx)
	}
	return found(skipped, fault.Advise("boot a server with %s", fault.Option("active")), "not tried")
}

// openGroup looks for rules that let everybody in, in the default security group of each project.
func openGroup(_ context.Context, e *env) finding {
	var closed []string
	for _, s := range e.sides() {
		if s.groups.err != nil {
			return unknown(s.groups.err)
		}
		four, six := false, false
		for _, g := range s.groups.value {
			four, six = four || letsIn(g, "IPv4", "0.0.0.0/0"), six || letsIn(g, "IPv6", "::/0")
		}
		for version, open := range map[string]bool{"IPv4": four, "IPv6": six} {
			if !open {
				closed = append(closed, fmt.Sprintf("%s in project %q", version, s.cloud.Project().Name))
			}
		}
	}
	if len(closed) > 0 {
		return found(unmet, fault.Advise("add the rules to a layout, and launch it"), "the group default keeps out %s",
			strings.Join(sorted(closed), ", "))
	}
	return pass("the group default lets IPv4 and IPv6 in from everywhere")
}

// letsIn reports whether one of the group's rules lets everybody in. A rule without a prefix and a group is about
// everybody, too.
func letsIn(g groups.SecGroup, version, everybody string) bool {
	for _, r := range g.Rules {
		if r.Direction == string(rules.DirIngress) && r.EtherType == version && (r.Protocol == "" || r.Protocol == "any") &&
			r.RemoteGroupID == "" && (r.RemoteIPPrefix == "" || r.RemoteIPPrefix == everybody) {
			return true
		}
	}
	return false
}
