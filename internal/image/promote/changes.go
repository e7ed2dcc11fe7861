package promote

import (
	"fmt"
	"maps"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Changes lists what the plan will change, one line each, in order.
func (p *Plan) Changes() []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, img := range p.Unfinished {
		say("image %s: its promotion, which a dead run left, is settled first", img)
	}
	if check := p.Options.Check; check != nil && !p.Done() {
		say("image %s: %s; nothing is changed unless it passes", p.Image, check.What)
	}
	for _, k := range slices.Sorted(maps.Keys(p.Properties)) {
		say("image %s: property %s = %q", p.Image, k, p.Properties[k])
	}
	if p.Image.Status == glance.StatusDeactivated {
		say("image %s: reactivated", p.Image)
	}
	for _, m := range p.Members {
		if m.Now != m.Status {
			say("image %s: member %s becomes %s", p.Image, m.ProjectID, m.Status)
		}
	}
	if p.Options.Strategy == Pointer {
		if p.Image.Properties[CurrentKey] != p.Name {
			say("image %s: property %s = %q", p.Image, CurrentKey, p.Name)
		}
	} else if p.Image.Name != p.Name {
		say("image %s: name becomes %q", p.Image, p.Name)
	}
	if p.Image.Visibility != p.Visibility {
		say("image %s: visibility becomes %s", p.Image, p.Visibility)
	}
	for _, old := range p.Predecessors {
		if old.Archive != old.Image.Name {
			say("image %s: name becomes %q", old.Image, old.Archive)
		}
		if old.Image.Properties[CurrentKey] == p.Name {
			say("image %s: property %s is removed", old.Image, CurrentKey)
		}
		if p.Options.Members == Transfer && len(p.Members) > 0 {
			say("image %s: loses %s", old.Image, count(len(old.Members), "member"))
		}
		switch p.Options.OldAction {
		case Hide:
			say("image %s: hide; lists leave it out, and members can still use it by its id", old.Image)
		case Deactivate:
			say("image %s: deactivate; nobody can boot from it any more, members included", old.Image)
		}
	}
	for _, img := range p.Prune {
		say("image %s: deleted", img)
	}
	return lines
}

// count is a number of things, such as "1 member" or "2 members".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
