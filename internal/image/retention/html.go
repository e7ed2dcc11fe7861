package retention

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/page"
)

//go:embed report.html
var reportBody string

var reportPage = page.New(reportBody)

// Limits of a page that a browser has to cope with.
const (
	mostRows      = 3000
	mostFamilies  = 60
	mostPerFamily = 8
	mostNamed     = 5 // per day
)

// WriteHTML writes the plan as a page for a browser.
func (p *Plan) WriteHTML(w io.Writer) error {
	r := &reportData{Now: p.At, Images: p.Images}
	r.Tiles = p.tiles()
	if lacking := p.lacking(); len(lacking) > 0 {
		which := "No image"
		if len(p.Policy.lacking(p.Absent, p.Project)) == 0 {
			which = "No image that other projects could use"
		}
		r.Warning = which + " is deleted, deactivated or made private, because nothing tells whether it is in use: no answer from " +
			list(lacking) + "."
	}
	r.Absent = p.Absent
	r.Days = p.days()
	r.timeline(p)
	r.choices(p.Images)
	if n := len(r.Images) - mostRows; n > 0 { // those with something to do first
		r.Images = slices.Clone(r.Images)
		slices.SortStableFunc(r.Images, func(a, b *Entry) int { return cmp.Compare(urgency(b), urgency(a)) })
		r.Images = r.Images[:mostRows]
		r.More = fmt.Sprintf("%s that nothing happens to are left out; the plan file has all.", page.Count(n, "more image"))
	}
	return reportPage.Write(w, page.Page{
		Title: "Image retention: " + p.Policy.Name, Made: p.At, Data: r,
		Lead: fmt.Sprintf("What the policy does to the images of cloud %q: %s.", p.Cloud, p.Summary()),
	})
}

type reportData struct {
	Now             time.Time
	Tiles           []reportTile
	Warning         string
	Absent          []Absent
	Days            []*reportDay
	Timeline        page.Timeline
	LeftOut, More   string
	Actions, Stages []string
	Images          []*Entry
}

type reportTile struct{ Value, Label string }

type reportDay struct {
	Day, Action, Class string
	Images             []*Entry
	Size               int64
}

// First are the images that are named.
func (d *reportDay) First() []*Entry { return d.Images[:min(len(d.Images), mostNamed)] }

// More is how many images are not named.
func (d *reportDay) More() int { return max(0, len(d.Images)-mostNamed) }

func urgency(e *Entry) int {
	switch {
	case e.Action != "":
		return 3
	case e.Next != "":
		return 2
	case e.Stage != "":
		return 1
	}
	return 0
}

func (p *Plan) tiles() []reportTile {
	var size, soon int64
	used, staged, now := 0, 0, 0
	for _, e := range p.Images {
		size += e.Size
		if len(e.Users) > 0 {
			used++
		}
		if e.Stage != "" {
			staged++
		}
		if e.Action != "" {
			now++
		}
		if e.Action == Delete || e.Next == Delete && e.NextAt.Before(p.At.AddDate(0, 0, 30)) {
			soon += e.Size
		}
	}
	return []reportTile{
		{strconv.Itoa(len(p.Images)), "images"},
		{page.Bytes(size), "in all"},
		{strconv.Itoa(used), "in use"},
		{strconv.Itoa(staged), "in a stage"},
		{strconv.Itoa(now), "changed by the next run"},
		{page.Bytes(soon), "freed within 30 days"},
	}
}

// days are what the next runs do, by day.
func (p *Plan) days() []*reportDay {
	byDay := map[string]*reportDay{}
	add := func(e *Entry, action string, at time.Time) {
		day := at.UTC().Format(time.DateOnly)
		key := fmt.Sprint(day, severity(action))
		if byDay[key] == nil {
			byDay[key] = &reportDay{Day: day, Action: action, Class: classOf(action)}
		}
		byDay[key].Images, byDay[key].Size = append(byDay[key].Images, e), byDay[key].Size+e.Size
	}
	for _, e := range p.Images {
		if e.Action != "" {
			add(e, e.Action, p.At)
		}
		if e.Next != "" {
			add(e, e.Next, e.NextAt)
		}
	}
	all := make([]*reportDay, 0, len(byDay))
	for _, d := range byDay {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *reportDay) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(severity(b.Action), severity(a.Action)))
	})
	const most = 60
	return all[:min(len(all), most)]
}

func classOf(action string) string {
	switch {
	case action == Delete:
		return "bad"
	case severity(action) >= severity(Private):
		return "done"
	}
	return "warn"
}

// choices are what the table can be filtered by.
func (r *reportData) choices(images []*Entry) {
	for _, e := range images {
		for into, value := range map[*[]string]string{&r.Actions: cmp.Or(e.Action, "keep"), &r.Stages: cmp.Or(e.Stage, "none")} {
			if !slices.Contains(*into, value) {
				*into = append(*into, value)
			}
		}
	}
	slices.SortFunc(r.Actions, func(a, b string) int { return cmp.Compare(severity(a), severity(b)) })
	slices.SortFunc(r.Stages, func(a, b string) int { return cmp.Compare(severity(a), severity(b)) })
}
