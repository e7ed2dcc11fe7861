package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// group are the images that a policy counts together, current ones first, then the newest.
type group struct {
	members         []*record
	current, newest []bool
}

func (d *decider) newGroup(members []*record) *group {
	g := &group{members: members, current: make([]bool, len(members)), newest: make([]bool, len(members))}
	current := map[*record]bool{}
	for _, r := range members {
		current[r] = d.isCurrent(r, members)
	}
	slices.SortFunc(members, func(a, b *record) int {
		if current[a] != current[b] {
			return map[bool]int{true: -1, false: 1}[current[a]]
		}
		return cmp.Or(d.age(b).Compare(d.age(a)), cmp.Compare(a.id, b.id))
	})
	byAge := make([]int, 0, len(members))
	for n, r := range members {
		g.current[n] = current[r]
		if r.status == glance.StatusActive { // nobody can go back to one that isn't
			byAge = append(byAge, n)
		}
	}
	slices.SortStableFunc(byAge, func(a, b int) int { return d.age(members[b]).Compare(d.age(members[a])) })
	for _, n := range byAge[:min(len(byAge), d.policy.Keep)] {
		g.newest[n] = true
	}
	return g
}

// isCurrent reports whether people find the image under the group's name.
func (d *decider) isCurrent(r *record, members []*record) bool {
	if r.pointed || r.archived.IsZero() && !r.promoted.IsZero() {
		return true
	}
	base := false
	for _, other := range members {
		if other == r {
			continue
		}
		if r.archived.IsZero() && !other.archived.IsZero() && other.family == r.name {
			return true
		}
		if extends(r.name, other.name) {
			return false
		}
		base = base || extends(other.name, r.name)
	}
	return base && d.policy.KeepBaseName
}

// extends reports whether a name is another with something behind it, such as web-1 and web.
func extends(long, short string) bool {
	rest, ok := strings.CutPrefix(long, short)
	return ok && short != "" && rest != "" && strings.ContainsRune("-_", rune(rest[0]))
}

// age is what the order in a group goes by. A time in the future is somebody's mistake, and makes no image the
// newest.
func (d *decider) age(r *record) time.Time {
	for _, t := range []time.Time{r.built, r.promoted} {
		if !t.IsZero() && !t.After(d.now.Add(time.Hour)) {
			return t
		}
	}
	return r.created
}

// replacement is the id of the image to use instead of one: the group's first usable image.
func (g *group) replacement(at int) string {
	for n, r := range g.members[:at] {
		if g.newest[n] || g.current[n] && r.status == glance.StatusActive {
			return r.id
		}
	}
	return ""
}

// since is what the age of an image is counted from, and what tells; without ok, that is why nothing does.
func (d *decider) since(g *group, at int) (since time.Time, evidence string, ok bool) {
	r, from := g.members[at], d.policy.Age.From
	if from == Property {
		switch {
		case !r.built.IsZero() && r.built.After(d.now):
			return r.built, fmt.Sprintf("its property %s is in the future: %q", d.policy.Age.Property, r.builtText), false
		case !r.built.IsZero():
			return r.built, fmt.Sprintf("its property %s is %s", d.policy.Age.Property, stamp(r.built)), true
		case r.builtText != "":
			return since, fmt.Sprintf("its property %s is no time: %q", d.policy.Age.Property, r.builtText), false
		case d.policy.Age.Otherwise == "":
			return since, fmt.Sprintf("it has no property %s, which its age is counted from", d.policy.Age.Property), false
		}
		from = d.policy.Age.Otherwise
	}
	if from == Created {
		return r.created, "created " + stamp(r.created), true
	}
	return d.superseded(g, at)
}

// superseded is when an image got a successor.
func (d *decider) superseded(g *group, at int) (time.Time, string, bool) {
	r := g.members[at]
	if !r.archived.IsZero() {
		return r.archived, "superseded " + stamp(r.archived) + " by image " + r.archivedBy, true
	}
	if by := d.byID[r.archivedBy]; by != nil && !by.promoted.IsZero() {
		return by.promoted, "superseded " + stamp(by.promoted) + " by image " + by.id, true
	}
	for n := at - 1; n >= 0; n-- { // the next newer one that could take its place
		by := g.members[n]
		if by.status != glance.StatusActive {
			continue
		}
		then := later(later(by.promoted, by.created), r.created)
		if !by.promoted.IsZero() {
			then = later(by.promoted, r.created)
		}
		return then, "superseded " + stamp(then) + " by image " + by.id, true
	}
	return time.Time{}, "nothing has superseded it", false
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
