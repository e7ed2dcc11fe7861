package retention

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/page"
)

// timeline plots the groups in which most happens.
func (r *reportData) timeline(p *Plan) {
	groups := map[string][]*Entry{}
	var names []string
	for _, e := range p.Images { // in the plan's order, the newest of each group first
		if groups[e.Group] == nil {
			names = append(names, e.Group)
		}
		groups[e.Group] = append(groups[e.Group], e)
	}
	most := func(name string) (n int) {
		for _, e := range groups[name] {
			n = max(n, urgency(e))
		}
		return n
	}
	if len(names) > mostFamilies {
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(most(b), most(a)) })
		r.LeftOut = fmt.Sprintf("%s in which less happens are left out.", page.Count(len(names)-mostFamilies, "group"))
		names = names[:mostFamilies]
	}
	t := page.Timeline{Label: "Images by group, over time", Now: p.At, From: p.At.AddDate(0, -1, 0), To: p.At.AddDate(0, 1, 0)}
	for _, name := range names {
		images := groups[name]
		heading := page.Lane{Label: name}
		if n := len(images) - mostPerFamily; n > 0 {
			heading.Label += fmt.Sprintf(" (and %d older)", n)
			images = images[:mostPerFamily]
		}
		t.Lanes = append(t.Lanes, heading)
		for _, e := range images {
			t.Lanes = append(t.Lanes, p.lane(e))
			t.From = earlier(t.From, e.Created)
			t.To = later(t.To, e.NextAt)
		}
	}
	const most6, most2 = 6, 2 // years back and ahead: what is older begins at the edge
	t.From = later(t.From.AddDate(0, 0, -7), p.At.AddDate(-most6, 0, 0))
	t.To = earlier(t.To.AddDate(0, 0, 14), p.At.AddDate(most2, 0, 0))
	r.Timeline = t
}

// lane is an image from its creation to what happens to it next.
func (p *Plan) lane(e *Entry) page.Lane {
	link := "#i-" + e.ID
	l := page.Lane{Label: e.Name}
	bar := func(from, to time.Time, class, title string) {
		if to.After(from) {
			l.Bars = append(l.Bars, page.Bar{From: from, To: to, Class: class, Title: e.Name + ": " + title, Link: link})
		}
	}
	current, since := p.At, p.At
	if !e.Since.IsZero() {
		current, since = later(e.Since, e.Created), later(e.Since, e.Created)
	}
	staged := p.At
	if e.Stage != "" && !e.StageAt.IsZero() {
		staged = later(e.StageAt, since)
	}
	bar(e.Created, current, "strong", "created "+e.Created.UTC().Format(time.DateOnly)+", "+page.Bytes(e.Size)+"; "+e.Reason)
	bar(since, staged, "soft", "superseded, or counted from, "+since.UTC().Format(time.DateOnly)+"; "+e.Reason)
	bar(staged, p.At, classOf(e.Stage), e.Stage+" since "+staged.UTC().Format(time.DateOnly))
	if e.Action != "" {
		l.Marks = append(l.Marks, page.Mark{At: p.At, Class: classOf(e.Action), Title: e.Name + ": " + e.Action + " now", Link: link})
	}
	if e.Next != "" {
		day := e.NextAt.UTC().Format(time.DateOnly)
		bar(p.At, e.NextAt, "plain", e.Next+" on "+day)
		l.Marks = append(l.Marks, page.Mark{At: e.NextAt, Class: classOf(e.Next), Title: e.Name + ": " + e.Next + " on " + day, Link: link})
	}
	if len(l.Bars) == 0 { // made right now
		l.Bars = append(l.Bars, page.Bar{From: e.Created, To: p.At, Class: "strong", Title: e.Name, Link: link})
	}
	return l
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
