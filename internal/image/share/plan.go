package share

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Plan is what is going to change. Making one only reads.
type Plan struct {
	Changes  []*Change // one per image
	Copies   []*Copy
	Failed   []Failure // what was asked for and is left out
	notes    []fault.Advice
	undone   bool // it failed, and is rolled back
	parallel int
}

// Change is what happens to one image.
type Change struct {
	Image      *glance.Image
	Members    []Member
	Visibility string // the one it gets; "" if it stays

	was     string // its visibility when the plan was made
	site    *Tenancy
	own     bool // the site's project owns the image; else it is a member of it
	resume  bool // all of the members that it has are to get their access back
	expires expiries
	dated   bool // the image's expiries differ from these
}

// newChange is a change of an image that the site's project owns.
func newChange(site *Tenancy, img *glance.Image) *Change {
	return &Change{Image: img, was: img.Visibility, site: site, own: true}
}

// Member is a project whose access to the image the plan is about.
type Member struct {
	Project string // id
	Name    string // "" if it isn't known
	Cloud   string // whose credentials accept; "" if there are none
	Before  string // None, Dormant, Unknown or Glance's status
	After   string // None or Glance's status
	Expires time.Time
	Note    string // what people should know of it

	refusal  bool // the project has said no, so that nothing is changed
	acceptor *glance.Client
}

// Row is one line of a plan or a result: an image and a project, or an image alone.
type Row struct {
	ImageID, Image     string
	ProjectID, Project string
	Cloud              string // of the target
	Before, After      string // state, or visibility where there is no project
	Expires            time.Time
	Note               string
}

// Changed reports whether the row is about something that changes.
func (r Row) Changed() bool { return r.Before != r.After }

// Done reports whether there is nothing to change.
func (p *Plan) Done() bool {
	for _, c := range p.Changes {
		if !c.done() {
			return false
		}
	}
	for _, c := range p.Copies {
		if c.before == None {
			return false
		}
	}
	return true
}

// Lines are the plan, and after it was applied the result: none if it is rolled back.
func (p *Plan) Lines() []Row {
	if p.undone {
		return nil
	}
	var rows []Row
	for _, c := range p.Changes {
		rows = append(rows, c.rows()...)
	}
	for _, c := range p.Copies {
		rows = append(rows, c.row())
	}
	for _, f := range p.Failed {
		rows = append(rows, f.row())
	}
	return rows
}

// Rows are Lines under the keys of machine-readable output.
func (p *Plan) Rows() []change.Row {
	lines := p.Lines()
	rows := make([]change.Row, len(lines))
	for n, r := range lines {
		var expires any
		if !r.Expires.IsZero() {
			expires = r.Expires
		}
		rows[n] = change.Row{
			{Key: "image_id", Value: r.ImageID},
			{Key: "image", Value: r.Image},
			{Key: "project_id", Value: r.ProjectID},
			{Key: "project", Value: r.Project},
			{Key: "cloud", Value: r.Cloud},
			{Key: "before", Value: r.Before},
			{Key: "after", Value: r.After},
			{Key: "expires", Value: expires},
			{Key: "note", Value: r.Note},
		}
	}
	return rows
}

// Notes are what people should know.
func (p *Plan) Notes() []fault.Advice { return p.notes }

// Loss asks whether projects may lose their access; "" if none does, and where it is all that
// the plan is for.
func (p *Plan) Loss() string {
	if !p.Takes() {
		return ""
	}
	return "Remove the access of " + p.Losers() + "?"
}

// Apply carries the plan out, see Apply.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error { return Apply(ctx, p, rep) }

func (p *Plan) note(format string, args ...any) {
	p.notes = append(p.notes, fault.Advise(format, args...))
}

// Takes reports whether the plan takes somebody's membership away.
func (p *Plan) Takes() bool {
	for _, c := range p.Changes {
		if len(c.losing()) > 0 {
			return true
		}
	}
	return false
}

// Losers says for a question who loses access to what.
func (p *Plan) Losers() string {
	members, images := 0, 0
	var only *Change
	for _, c := range p.Changes {
		if n := len(c.losing()); n > 0 {
			members, images, only = members+n, images+1, c
		}
	}
	if images != 1 {
		return count(members, "project") + " to " + count(images, "image")
	}
	if losing := only.losing(); len(losing) == 1 {
		return fmt.Sprintf("project %s to image %s", cmp.Or(losing[0].Name, losing[0].Project), only.Image)
	}
	return fmt.Sprintf("%s to image %s", count(members, "project"), only.Image)
}

func (c *Change) done() bool {
	if c.Visibility != "" || c.dated {
		return false
	}
	for _, m := range c.Members {
		if m.Before != m.After {
			return false
		}
	}
	return true
}

// gaining are the members that get access or another status, losing those that lose it.
func (c *Change) gaining() []*Member {
	return c.members(func(m *Member) bool { return m.After != None && m.After != Dormant })
}

func (c *Change) losing() []*Member {
	return c.members(func(m *Member) bool { return m.After == None })
}

func (c *Change) members(wanted func(*Member) bool) []*Member {
	var out []*Member
	for n := range c.Members {
		if m := &c.Members[n]; m.Before != m.After && wanted(m) {
			out = append(out, m)
		}
	}
	return out
}

func (c *Change) rows() []Row {
	var rows []Row
	if c.Visibility != "" && (c.Visibility == glance.Private || c.resume) {
		rows = append(rows, Row{ImageID: c.Image.ID, Image: c.Image.Name, Before: c.was, After: c.Visibility})
	}
	for _, m := range c.Members {
		rows = append(rows, Row{
			ImageID: c.Image.ID, Image: c.Image.Name, ProjectID: m.Project, Project: m.Name, Cloud: m.Cloud,
			Before: m.Before, After: m.After, Expires: m.Expires, Note: m.Note,
		})
	}
	return rows
}

// expire notes until when a project has access; the zero time is for ever.
func (c *Change) expire(project string, at time.Time) {
	before, had := c.expires[project]
	switch {
	case at.IsZero() && had:
		delete(c.expires, project)
	case at.IsZero() || had && before.Equal(at):
		return
	default:
		c.expires[project] = at
	}
	c.dated = true
}
