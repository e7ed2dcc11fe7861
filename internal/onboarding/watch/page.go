package watch

import (
	_ "embed"
	"fmt"
	"io"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/page"
)

//go:embed page.html
var body string

var report = page.New(body)

// Sizes of a plot, in pixels.
const (
	plotWidth  = 1080
	plotHeight = 150
	plotLeft   = 60
	plotFoot   = 20
	plotRight  = 36
	plotDays   = 60
)

type plot struct {
	Verdict      Verdict
	Summary      string
	Width, Foot  int
	Height, Left int
	Most         string
	Bars         []bar
	Ticks        []bar
}

type bar struct {
	X, Y, W, H   float64
	Class, Title string
	Label        string
}

// WriteHTML writes the history as a page for a browser: for each figure its daily medians.
func (h *History) WriteHTML(w io.Writer, tolerance float64) error {
	var plots []plot
	worse := 0
	for _, v := range h.Judge(tolerance) {
		if v.Worse {
			worse++
		}
		plots = append(plots, h.plot(v))
	}
	lead := fmt.Sprintf("%s; the plots show %d days. Nothing is worse in the last day than in the weeks before.",
		page.Count(len(h.Samples), "sample"), plotDays)
	switch {
	case worse == 1:
		lead = "In the last day, one figure is worse than in the weeks before."
	case worse > 1:
		lead = fmt.Sprintf("In the last day, %d figures are worse than in the weeks before.", worse)
	}
	title := "Cloud " + h.Cloud
	if h.Region != "" {
		title += ", region " + h.Region
	}
	return report.Write(w, page.Page{Title: title, Lead: lead, Made: h.Last(), Data: plots})
}

func (h *History) plot(v Verdict) plot {
	p := plot{Verdict: v, Width: plotWidth, Height: plotHeight, Left: plotLeft, Foot: plotHeight - 5}
	switch {
	case !v.Known:
		p.Summary = "No value in the last day."
	case v.Days < few:
		p.Summary = fmt.Sprintf("%.3g %s in the last day; there are too few days before to compare with.", v.Now, v.Unit)
	case v.Worse:
		p.Summary = fmt.Sprintf("Worse: %.3g %s in the last day, %.3g %s before.", v.Now, v.Unit, v.Before, v.Unit)
	default:
		p.Summary = fmt.Sprintf("%.3g %s in the last day, %.3g %s before.", v.Now, v.Unit, v.Before, v.Unit)
	}
	days := map[int][]float64{}
	for _, s := range h.Samples {
		age := int(h.Last().Sub(s.At) / Today)
		if value, ok := v.value(s); ok && age < plotDays {
			days[age] = append(days[age], value)
		}
	}
	most := 0.0
	for _, values := range days {
		most = max(most, median(values))
	}
	if most <= 0 {
		most = 1
	}
	p.Most = fmt.Sprintf("%.3g %s", most, v.Unit)
	step := float64(plotWidth-plotLeft-plotRight) / plotDays
	for age := plotDays - 1; age >= 0; age-- {
		x := float64(plotLeft) + float64(plotDays-1-age)*step
		day := h.Last().Add(-time.Duration(age) * Today).UTC().Format(time.DateOnly)
		if age%10 == 0 {
			p.Ticks = append(p.Ticks, bar{X: round(x + step/2), Label: day})
		}
		values, ok := days[age]
		if !ok {
			continue
		}
		height := median(values) / most * (plotHeight - plotFoot - 20)
		class := "soft"
		if age == 0 {
			class = "strong"
			if v.Worse {
				class = "bad"
			}
		}
		p.Bars = append(p.Bars, bar{
			X: round(x), Y: round(plotHeight - plotFoot - height), W: round(step - 2), H: round(max(height, 1)), Class: class,
			Title: fmt.Sprintf("%s: %.3g %s", day, median(values), v.Unit),
		})
	}
	return p
}

func round(f float64) float64 { return float64(int(f*10+0.5)) / 10 }
