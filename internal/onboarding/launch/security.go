package launch

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
)

var (
	groupList = &collection{
		service: "network", path: "security-groups", key: "security_groups", one: "security_group", query: own,
	}
	ruleList = &collection{
		service: "network", path: "security-group-rules", key: "security_group_rules", one: "security_group_rule", query: own,
		after: groupList,
	}
)

// groups are told apart by their project: each has a "default", and administrators see them all.
var groups = &kind{
	name: "security_groups", noun: "security group", in: groupList, change: http.MethodPut, find: findInProject,
	fields: []field{{key: "description", same: sameDescription}, ofProject},
	mark:   describe, marked: describedBy,
}

var rules = &kind{
	name: "security_groups_rules", noun: "rule", in: ruleList, judge: judgeRule, reads: []*collection{ruleList, groupList},
	marked: describedBy, loses: true,
}

// rule is what a rule lets through.
type rule struct{ group, direction, ethertype, protocol, ports, prefix, remote string }

// title is a rule as a layout's are called: its group, direction, version, protocol, ports and remote end.
func (r rule) title(nameOf func(id string) string) string {
	parts := []string{nameOf(r.group), r.direction, r.ethertype}
	low, high, _ := strings.Cut(r.ports, "-")
	if low == high {
		r.ports = low
	}
	remote := r.prefix
	if r.remote != "" {
		remote = nameOf(r.remote)
	}
	for _, part := range []string{r.protocol, r.ports, remote} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}

// protocols are names that mean no protocol, or one by its number.
var protocols = map[string]string{
	"any": "", "-1": "", "0": "", "6": "tcp", "17": "udp", "1": "icmp", "58": "ipv6-icmp", "icmpv6": "ipv6-icmp",
}

func ruleOf(o object) rule {
	low, high := plain(o["port_range_min"]), plain(o["port_range_max"])
	return rule{
		o.text("security_group_id"), o.text("direction"), o.text("ethertype"), protocol(o.text("protocol")), ports(low, high),
		prefix(o.text("remote_ip_prefix")), o.text("remote_group_id"),
	}
}

func protocol(name string) string {
	name = strings.ToLower(name)
	if usual, known := protocols[name]; known {
		return usual
	}
	return name
}

func ports(low, high string) string {
	if low == "-1" || low == "" && (high == "" || high == "-1") {
		return ""
	}
	return low + "-" + cmp.Or(high, low)
}

// prefix is a network as Neutron compares it: all addresses are no limit.
func prefix(text string) string {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return text
	case p.Bits() == 0:
		return ""
	}
	return p.Masked().String()
}

// judgeRule decides about a rule, which has no name: all that it says is what it is.
func judgeRule(ctx context.Context, w *world, k *kind, r *layout.Resource) (v verdict, err error) {
	f := r.Fields
	group, err := w.ref(ctx, "security_groups", f.Text("security_group"), r)
	if r.Absent && fault.Is(err, fault.NotFound) {
		return verdict{action: Same, reason: "it isn't there"}, nil
	}
	if err != nil {
		return v, err
	}
	remote := ""
	if name := f.Text("remote_group"); name != "" {
		if remote, err = w.ref(ctx, "security_groups", name, r); err != nil {
			if r.Absent && fault.Is(err, fault.NotFound) {
				return verdict{action: Same, reason: "it isn't there"}, nil
			}
			return v, err
		}
	}
	low, high := "", ""
	if n, given := f["port_range_min"].(int); given && n >= 0 {
		low = plain(n)
	}
	if n, given := f["port_range_max"].(int); given && n >= 0 {
		high = plain(n)
	}
	want := rule{
		group, cmp.Or(f.Text("direction"), "ingress"), cmp.Or(f.Text("ethertype"), "IPv4"), protocol(f.Text("protocol")), ports(low, high),
		prefix(f.Text("remote_ip_prefix")), remote,
	}
	find := func(ctx context.Context) ([]object, error) {
		if group == "" {
			return nil, nil
		}
		all, err := w.listed(ctx, ruleList, w.rulesOf(ctx, r))
		return slices.DeleteFunc(all, func(o object) bool { return ruleOf(o) != want }), err
	}
	found, err := find(ctx)
	switch {
	case err != nil:
		return v, err
	case r.Absent && len(found) == 0:
		return verdict{action: Same, reason: "it isn't there"}, nil
	case r.Absent:
		return w.removal(k, found[0]), nil
	case len(found) > 0:
		return verdict{action: Same, id: found[0].id()}, nil
	}
	return verdict{action: Create, reason: "it isn't there", do: func(ctx context.Context) (string, error) {
		body := object{"security_group_id": group, "direction": want.direction, "ethertype": want.ethertype}
		for key, value := range map[string]any{
			"protocol": want.protocol, "remote_ip_prefix": f.Text("remote_ip_prefix"), "remote_group_id": remote,
		} {
			if value != "" {
				body[key] = value
			}
		}
		if want.ports != "" {
			body["port_range_min"], body["port_range_max"] = f["port_range_min"], f["port_range_max"]
			if high == "" {
				body["port_range_max"] = f["port_range_min"]
			}
		}
		describe(body, w.asked.Name)
		var made map[string]object
		err := w.write(ctx, "network", http.MethodPost, ruleList.path, map[string]any{ruleList.one: body}, &made,
			func(ctx context.Context) (bool, error) {
				w.forget(ruleList)
				found, err := find(ctx)
				if len(found) > 0 {
					made = map[string]object{ruleList.one: found[0]}
				}
				return len(found) > 0, err
			})
		w.forget(ruleList)
		w.forget(groupList)
		return made[ruleList.one].id(), err
	}}, nil
}

// rulesOf is the query for the rules of a rule's project.
func (w *world) rulesOf(ctx context.Context, r *layout.Resource) url.Values {
	if name := r.Fields.Text("project"); name != "" {
		if id, err := w.ref(ctx, "projects", name, &layout.Resource{}); err == nil && id != "" {
			return url.Values{"project_id": {id}}
		}
	}
	return own(w)
}
