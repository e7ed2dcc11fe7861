package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// choose is the flavor to take for a server: the one with a disk of its own before one whose servers boot from
// volumes, then the smallest. whole is false if only one with fewer cores has the memory and the disk.
func choose(all []flavors.Flavor, ram, cores, disk int, volumes bool) (best *flavors.Flavor, volume, whole bool) {
	var fit []flavors.Flavor
	for _, f := range all {
		if f.RAM >= ram && (f.Disk >= disk || volumes) {
			fit = append(fit, f)
		}
	}
	few := func(f flavors.Flavor) bool { return f.VCPUs < cores }
	if slices.ContainsFunc(fit, func(f flavors.Flavor) bool { return !few(f) }) {
		fit, whole = slices.DeleteFunc(fit, few), true
	}
	if len(fit) == 0 {
		return nil, false, false
	}
	slices.SortStableFunc(fit, func(a, b flavors.Flavor) int {
		return cmp.Or(rank(a.Disk < disk)-rank(b.Disk < disk), rank(few(a))*(b.VCPUs-a.VCPUs), cmp.Compare(a.RAM, b.RAM),
			cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.Disk, b.Disk), strings.Compare(a.Name, b.Name))
	})
	return &fit[0], fit[0].Disk < disk, whole
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func describe(f flavors.Flavor) string {
	return fmt.Sprintf("%s (%d MiB, %d vCPUs, %d GiB)", f.Name, f.RAM, f.VCPUs, f.Disk)
}

// fullRAM is what nodes are meant to have; many clouds have flavors with a little less.
const fullRAM = 8192

func testFlavor(_ context.Context, e *env) finding {
	t := e.p.Test
	f := fits(e.test, t.RAM, t.VCPUs, t.Disk)
	if best, _, _ := e.fitting(); f.verdict == met && best.RAM < fullRAM && t.RAM <= best.RAM && t.RAM > fullRAM*9/10 {
		f.evidence += fmt.Sprintf("; it has a little less memory than the usual %d MiB", fullRAM)
	}
	return f
}

func mirrorFlavor(_ context.Context, e *env) finding {
	m := e.p.Mirror
	return fits(e.control, m.RAM, m.VCPUs, m.Disk)
}

func fits(s *side, ram, cores, disk int) finding {
	if s.flavors.err != nil {
		return unknown(s.flavors.err)
	}
	best, volume, whole := choose(s.flavors.value, ram, cores, disk, s.volumes())
	wanted := fmt.Sprintf("%d MiB, %d vCPUs, %d GiB", ram, cores, disk)
	switch {
	case best == nil:
		return found(unmet, fault.Advise("offer the project a flavor with %s", wanted), "no flavor has %s; the largest is %s%s", wanted,
			largest(s.flavors.value), withoutVolumes(s))
	case !whole:
		return found(barely, fault.Advise("offer the project a flavor with %s, unless the cores are faster than usual (2.4 GHz)", wanted),
			"flavor %s has only %d of %d vCPUs", describe(*best), best.VCPUs, cores)
	case volume:
		return pass("flavor %s, with a volume of %d GiB to boot from", describe(*best), disk)
	}
	return pass("flavor %s", describe(*best))
}

func withoutVolumes(s *side) string {
	if s.volumes() {
		return ""
	}
	return "; there are no volumes to boot from"
}

func largest(all []flavors.Flavor) string {
	if len(all) == 0 {
		return "none: the project sees no flavors"
	}
	return describe(slices.MaxFunc(all, func(a, b flavors.Flavor) int {
		return cmp.Or(cmp.Compare(a.RAM, b.RAM), cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.Disk, b.Disk))
	}))
}
