package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

const day = 24 * time.Hour

// Reactivate is what happens to an image that a run which died has deactivated to delete it, and that stays
// now. It is no action of a stage.
const Reactivate = "reactivate"

// Entry is what a plan says about one image.
type Entry struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Owner      string   `json:"owner"`
	Family     string   `json:"family"`
	Group      string   `json:"group"`
	Stage      string   `json:"stage"`  // that it is in, "" for none
	Action     string   `json:"action"` // "" if it is kept as it is
	Reason     string   `json:"reason"`
	Evidence   []string `json:"evidence,omitempty"`
	Visibility string   `json:"visibility"`
	Private    bool     `json:"private,omitempty"` // only its project can use it
	Status     string   `json:"status"`
	Hidden     bool     `json:"hidden"`
	Size       int64    `json:"size"` // bytes
	// Created is the service's created_at. Since is what the age is counted from, zero if nothing is.
	Created time.Time `json:"created"`
	Since   time.Time `json:"since,omitzero"`
	StageAt time.Time `json:"stage_at,omitzero"` // when it got into its stage
	// Next is the action that comes after this run's, and NextAt when, unless something changes.
	Next       string    `json:"next,omitempty"`
	NextAt     time.Time `json:"next_at,omitzero"`
	ReplacedBy string    `json:"replaced_by,omitempty"` // the id of the image to use instead
	Users      []string  `json:"users,omitempty"`
	// State identifies what the decision is based on. If it has changed, the action is not carried out.
	State string `json:"state"`

	outcome string // after Apply
	problem error
}

// decider decides about the images of a policy, group by group.
type decider struct {
	policy *Policy
	survey Survey
	now    time.Time
	byID   map[string]*record
	absent []Absent
	lacks  map[string][]string // sources that are missing and may not be, by the only project that can use an image
}

func newDecider(p *Policy, records []*record, survey Survey, now time.Time) *decider {
	d := &decider{policy: p, survey: survey, now: now.UTC(), byID: map[string]*record{}}
	for _, r := range records {
		d.byID[r.id] = r
	}
	d.absent, d.lacks = survey.Absent(), map[string][]string{}
	return d
}

// decide makes an entry of each record, by group, the newest image first.
func (d *decider) decide(records []*record) []*Entry {
	groups := map[string][]*record{}
	for _, r := range records {
		groups[r.group] = append(groups[r.group], r)
	}
	entries := make([]*Entry, 0, len(records))
	for _, members := range groups {
		g := d.newGroup(members)
		for at := range g.members {
			entries = append(entries, d.entry(g, at))
		}
	}
	slices.SortStableFunc(entries, func(a, b *Entry) int { return cmp.Compare(a.Group, b.Group) })
	return entries
}

// entry decides about the image at a place of its group.
func (d *decider) entry(g *group, at int) *Entry {
	r := g.members[at]
	e := &Entry{
		ID: r.id, Name: r.name, Owner: r.owner, Family: r.family, Group: r.group, Stage: r.stage, Visibility: r.visibility,
		Private: r.reach == usage.Closed,
		Status:  r.status, Hidden: r.hidden, Size: r.size, Created: r.created, StageAt: r.stagedAt, State: r.state,
		ReplacedBy: g.replacement(at),
	}
	var traces []string
	e.Users, traces = d.survey.Of(&glance.Image{ID: r.id, Name: r.name, Tags: r.tags})
	if reason := d.stays(g, at); reason != "" {
		e.Reason = reason
	} else {
		d.stage(e, g, at)
	}
	if r.releasing && e.Action != Delete {
		e.Action, e.Evidence = Reactivate, append(e.Evidence, "a run that died deactivated it to delete it")
	}
	if len(traces) > 0 {
		e.Evidence = append(e.Evidence, "left traces in "+list(traces))
	}
	if len(e.Users) > 0 {
		e.Evidence = append(e.Evidence, "used by "+list(e.Users))
	}
	return e
}

// stays is why an image stays whatever its age, "" if nothing says so.
func (d *decider) stays(g *group, at int) string {
	r := g.members[at]
	switch {
	case r.status != glance.StatusActive && r.status != glance.StatusDeactivated:
		return d.unfinished(r)
	case r.kept:
		return "its property " + KeepKey + " says so"
	case slices.Contains(d.policy.Skip, r.id):
		return "the policy skips it"
	case r.promoting:
		return "a promotion is changing it"
	case g.current[at]:
		return "it is current"
	case r.protected && r.ours:
		return "it is protected, as retention was asked to"
	case r.protected:
		return "it is protected"
	case g.newest[at]:
		return fmt.Sprintf("it is one of the newest %d of its group", d.policy.Keep)
	}
	return ""
}

// unfinished is why an image without data stays.
func (d *decider) unfinished(r *record) string {
	if age := d.now.Sub(r.created); age > day {
		return fmt.Sprintf("it is stale: %s for %d days, its upload has probably died", r.status, int(age/day))
	}
	return "its upload is under way: " + r.status
}

// stage finds out which stage an image of no special rank is due for.
func (d *decider) stage(e *Entry, g *group, at int) {
	r := g.members[at]
	since, evidence, ok := d.since(g, at)
	e.Evidence = append(e.Evidence, evidence)
	if !ok {
		e.Reason = evidence
		e.Evidence = nil
		return
	}
	e.Since = since
	youngest := d.policy.MinAge.From(r.created)
	due := -1
	for k, s := range d.policy.Stages {
		if !s.At.From(since).After(d.now) {
			due = k
		}
	}
	switch {
	case due < 0:
		e.Reason = "it is younger than " + d.policy.Stages[0].At.Text
	case youngest.After(d.now):
		e.Reason = "it was created less than " + d.policy.MinAge.Text + " ago"
	default:
		d.act(e, r, due)
	}
	d.forecast(e, r, youngest)
}

// act chooses the most severe action that is due and that nothing speaks against.
func (d *decider) act(e *Entry, r *record, due int) {
	var against []string
	unmarked := false // only a mark is missing for deletion
	for k := due; k >= 0; k-- {
		s := d.policy.Stages[k]
		if severity(s.Action) < severity(r.stage) || s.Action == r.stage && !r.halfway {
			break
		}
		why := d.against(r, s.Action, e.Users)
		if why == "" {
			e.Action, e.Reason = s.Action, "it is older than "+s.At.Text
			break
		}
		unmarked = unmarked || why == notMarked
		against = append(against, fmt.Sprintf("%s is due, but %s", s.Action, why))
	}
	if e.Action == "" && unmarked {
		e.Action, e.Reason = Deprecate, "an image has to be marked before it is deleted"
	}
	switch {
	case e.Action != "":
		e.Evidence = append(e.Evidence, against...)
	case len(against) > 0:
		e.Reason = strings.Join(against, "; ")
	default:
		e.Reason = "stage " + r.stage + " is done"
	}
}

// lacking are the sources without which nothing tells that an image is not in use.
func (d *decider) lacking(r *record) []string {
	sole := ""
	if r.reach == usage.Closed {
		sole = r.owner
	}
	names, known := d.lacks[sole]
	if !known {
		names = d.policy.lacking(d.absent, sole)
		d.lacks[sole] = names
	}
	return names
}

// notMarked speaks against the deletion of an image that no run has marked yet.
const notMarked = "no earlier run has marked it"

// against is what speaks against an action, "" if nothing does.
func (d *decider) against(r *record, action string, users []string) string {
	spared := d.policy.spares(action)
	switch {
	case spared && len(users) > 0:
		return "it is in use"
	case harms(action) && len(d.lacking(r)) > 0:
		return "nothing tells whether it is in use: no answer from " + list(d.lacking(r))
	case action == Community && r.visibility != glance.Public:
		return "it is " + r.visibility + ", and community would show it to everybody"
	case action != Delete:
	case r.stage == "":
		return notMarked
	case r.stagedAt.IsZero() || d.policy.Grace.From(r.stagedAt).After(d.now):
		return fmt.Sprintf("it was marked less than %s ago", d.policy.Grace.Text)
	}
	return ""
}

// forecast says what comes next, if nothing changes.
func (d *decider) forecast(e *Entry, r *record, youngest time.Time) {
	stage, marked := r.stage, r.stagedAt
	if e.Action != "" {
		stage, marked = e.Action, d.now
	}
	for _, s := range d.policy.Stages {
		if severity(s.Action) <= severity(stage) {
			continue
		}
		at := later(s.At.From(e.Since), youngest)
		if s.Action == Delete && stage != "" {
			at = later(at, d.policy.Grace.From(marked))
		}
		if d.against(r, s.Action, e.Users) != "" && !at.After(d.now) {
			continue // only a change can bring it about
		}
		if d.policy.spares(s.Action) && (len(e.Users) > 0 ||
			harms(s.Action) && len(d.lacking(r)) > 0) {
			continue
		}
		e.Next, e.NextAt = s.Action, later(at, d.now)
		return
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// list is a few of some words.
func list(all []string) string {
	const most = 3
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}
