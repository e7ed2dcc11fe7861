package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/quota"
)

// need is how much of a resource has to be allowed.
type need struct {
	resource quota.Resource
	least    int64
}

// Whether a limit that the cloud doesn't tell is a problem.
const (
	optional = true
	required = false
)

// compare holds quotas against needs. why is said with them, and may be empty. Limits count, and not what is free:
// what is used is CI's own.
func compare(q fact[*quota.Quotas], needs []need, mayMiss bool, why string) finding {
	quotas := q.value
	if q.err != nil {
		return unknown(q.err)
	}
	var short, enough, untold []string
	var ask []string
	for _, n := range needs {
		l, ok := quotas.Limit(n.resource)
		switch {
		case !ok && mayMiss:
			untold = append(untold, string(n.resource))
		case !ok:
			return unknown(fmt.Errorf("project %q: %w", quotas.Project.Name, quotas.Why(n.resource)))
		case l.Max < 0:
			enough = append(enough, "no limit of "+string(n.resource))
		case l.Max < n.least:
			short = append(short, fmt.Sprintf("%d %s instead of %d", l.Max, n.resource, n.least))
			ask = append(ask, fmt.Sprintf("%s to %d", n.resource, n.least))
		default:
			enough = append(enough, fmt.Sprintf("%d %s, %d needed", l.Max, n.resource, n.least))
		}
	}
	text := strings.Join(append(short, enough...), "; ")
	if len(untold) > 0 {
		text = strings.TrimPrefix(text+"; no limit is told of "+strings.Join(untold, ", "), "; ")
	}
	text = fmt.Sprintf("project %q: %s", quotas.Project.Name, text)
	if why != "" {
		text += "; " + why
	}
	if len(short) > 0 {
		return found(unmet, fault.Advise("raise the quotas of project %s (%s), %s", quotas.Project.Name, quotas.Project.ID,
			strings.Join(ask, ", ")), "%s", text)
	}
	return pass("%s", text)
}

// together is the worst of several findings, with all that they say.
func together(all ...finding) finding {
	rank := map[verdict]int{met: 0, skipped: 1, told: 2, later: 3, barely: 4, unclear: 5, unmet: 6}
	worst := all[0]
	var texts []string
	for _, f := range all {
		if rank[f.verdict] > rank[worst.verdict] {
			worst = f
		}
		texts = append(texts, f.evidence)
	}
	worst.evidence = strings.Join(texts, "; ")
	return worst
}

func instances(_ context.Context, e *env) finding {
	all := []finding{compare(e.test.quotas, []need{{quota.Instances, int64(e.p.Test.Nodes)}}, required, "")}
	if e.control != nil {
		all = append(all, compare(e.control.quotas, []need{{quota.Instances, int64(e.p.Mirror.Instances)}}, required, ""))
	}
	return together(all...)
}

// capacity is what all nodes take together, by the flavor that they get.
func capacity(_ context.Context, e *env) finding {
	t := e.p.Test
	nodes, ram, cores := int64(t.Nodes), int64(t.RAM), int64(t.VCPUs)
	f, volume, _ := e.fitting()
	why := ""
	if f != nil {
		ram, cores = int64(f.RAM), int64(f.VCPUs)
		why = fmt.Sprintf("for %d servers of flavor %s", nodes, f.Name)
	}
	needs := []need{{quota.Cores, nodes * cores}, {quota.RAM, nodes * ram}}
	if volume {
		needs = append(needs, need{quota.Volumes, nodes}, need{quota.Gigabytes, nodes * int64(t.Disk)})
		why += fmt.Sprintf(" that boot from volumes of %d GiB", t.Disk)
	}
	return compare(e.test.quotas, needs, required, why)
}

func networkQuota(_ context.Context, e *env) finding {
	t := e.p.Test
	needs := []need{
		{quota.Ports, int64(t.Nodes + t.SparePorts)}, {quota.SecurityGroupRules, int64(t.GroupRules)}, {quota.KeyPairs, int64(t.Keys)},
	}
	why := ""
	if w := e.test.ways(); len(w.direct) == 0 && len(w.pools) > 0 {
		needs = append(needs, need{quota.FloatingIPs, int64(t.Nodes)})
		why = "nodes need a floating IP each"
	}
	return compare(e.test.quotas, needs, required, why)
}

// mirrorVolume looks for room for the mirror's cache: on a volume, or in a flavor. A mirror whose flavor has too small
// a disk boots from a volume, which takes of the same quota.
func mirrorVolume(_ context.Context, e *env) finding {
	m, s := e.p.Mirror, e.control
	for _, f := range s.flavors.value {
		if f.Disk >= m.Cache && f.RAM >= m.RAM && f.VCPUs >= m.VCPUs {
			return pass("flavor %s has a disk of %d GiB", f.Name, f.Disk)
		}
	}
	if !s.volumes() {
		return found(unmet, fault.Advise("offer block storage, or a flavor with a disk of %d GiB", m.Cache),
			"there is no block storage, and no flavor has a disk of %d GiB", m.Cache)
	}
	volumes, gigabytes, why := int64(1), int64(m.Cache), ""
	if _, boots, _ := choose(s.flavors.value, m.RAM, m.VCPUs, m.Disk, true); boots {
		volumes, gigabytes = volumes+1, gigabytes+int64(m.Disk)
		why = fmt.Sprintf("the mirror needs a volume of %d GiB to boot from, and one of %d GiB for its cache", m.Disk, m.Cache)
	}
	return compare(s.quotas, []need{{quota.Volumes, volumes}, {quota.Gigabytes, gigabytes}}, required, why)
}
