package page

import (
	"time"
)

// Timeline is a plot of things over time: lanes from top to bottom, each with bars and marks.
type Timeline struct {
	Label    string // what the plot shows
	From, To time.Time
	Now      time.Time
	Lanes    []Lane
}

// Lane is one line of a timeline. One without bars is a heading.
type Lane struct {
	Label string
	Title string // the whole label, if Label is shortened
	Bars  []Bar
	Marks []Mark
}

// Bar is a span of time. Class is one of the style's: strong, soft, warn, bad, done or plain.
type Bar struct {
	From, To           time.Time
	Class, Title, Link string
}

// Mark is a moment.
type Mark struct {
	At                 time.Time
	Class, Title, Link string
}

// Sizes of a timeline, in pixels.
const (
	width     = 1080
	labels    = 230 // of the lanes' labels
	right     = 16
	laneStep  = 18
	barHeight = 10
	top       = 32
	bottom    = 20
)

type timeline struct {
	Label                 string
	Width, Height, Bottom int
	Foot                  int
	Now                   float64
	Ticks                 []tick
	Lanes                 []lane
}

type tick struct {
	X      float64
	Text   string
	Bottom int
}

type lane struct {
	Label, Title, Class string
	X, TextY            int
	Bars                []rect
	Marks               []rect
}

type rect struct {
	X, Y, W, H         float64
	Class, Title, Link string
}

// layOut gives all parts their places.
func (t Timeline) layOut() timeline {
	span := max(t.To.Sub(t.From), time.Hour)
	x := func(at time.Time) float64 {
		if at.Before(t.From) {
			at = t.From
		}
		if at.After(t.To) {
			at = t.To
		}
		return round(labels + float64(at.Sub(t.From))/float64(span)*(width-labels-right))
	}
	out := timeline{Label: t.Label, Width: width, Height: top + len(t.Lanes)*laneStep + bottom, Now: x(t.Now)}
	out.Bottom, out.Foot = out.Height-bottom, out.Height-5
	for _, at := range ticks(t.From, t.To) {
		out.Ticks = append(out.Ticks, tick{X: x(at), Text: tickText(at, span), Bottom: out.Bottom})
	}
	for n, l := range t.Lanes {
		y := top + n*laneStep
		placed := lane{Label: short(l.Label), Title: l.Title, Class: "lane", X: labels - 10, TextY: y + barHeight}
		if len(l.Bars) == 0 {
			placed.Class, placed.X = "group", 4
		}
		if placed.Label != l.Label && placed.Title == "" {
			placed.Title = l.Label
		}
		for _, b := range l.Bars {
			placed.Bars = append(placed.Bars, rect{
				X: x(b.From), Y: float64(y), W: max(round(x(b.To)-x(b.From)), 3), H: barHeight,
				Class: b.Class, Title: b.Title, Link: b.Link,
			})
		}
		for _, m := range l.Marks {
			placed.Marks = append(placed.Marks, rect{X: x(m.At), Y: float64(y), Class: m.Class, Title: m.Title, Link: m.Link})
		}
		out.Lanes = append(out.Lanes, placed)
	}
	return out
}

func round(f float64) float64 { return float64(int(f*10+0.5)) / 10 }

// ticks are the beginnings of months or years, at most about a dozen.
func ticks(from, to time.Time) []time.Time {
	months := 1
	for _, step := range []int{1, 2, 3, 6, 12, 24, 60, 120} {
		months = step
		if int(to.Sub(from).Hours()/24/30)/step <= 12 {
			break
		}
	}
	var all []time.Time
	at := time.Date(from.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	for ; !at.After(to) && len(all) < 100; at = at.AddDate(0, months, 0) {
		if !at.Before(from) {
			all = append(all, at)
		}
	}
	return all
}

func tickText(at time.Time, span time.Duration) string {
	if span > 5*365*24*time.Hour {
		return at.Format("2006")
	}
	return at.Format("Jan 2006")
}

// short is a label that has room.
func short(label string) string {
	const most = 34
	runes := []rune(label)
	if len(runes) <= most {
		return label
	}
	return string(runes[:most-1]) + "…"
}
