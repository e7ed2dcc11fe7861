package check

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/imgctl/packer-plugin-openstack/internal/page"
)

//go:embed report.html
var reportBody string

var reportPage = page.New(reportBody)

// tones are the colours of the statuses on the page.
var tones = map[Status]string{
	Failed: "bad", Unknown: "warn", Warning: "warn", Later: "plain", Note: "plain", Skipped: "plain", Passed: "strong",
}

type pageData struct {
	Tiles   []tile
	Verdict string
	ToDo    []line
	All     []line
	Regions bool
}

type tile struct {
	Value int
	Label Status
}

type line struct {
	Result
	Remedy, Tone string
}

// WriteHTML writes the report as a page for those who donate the cloud: first what there is to do, then all checks.
func (r *Report) WriteHTML(w io.Writer) error {
	d := pageData{Regions: r.regions() > 1}
	for _, s := range Statuses {
		if n := r.Count(s); n > 0 {
			d.Tiles = append(d.Tiles, tile{n, s})
		}
		for _, x := range r.Results {
			if x.Status == s && s != Passed && s != Skipped && r.remedy(x) != "" {
				d.ToDo = append(d.ToDo, line{x, r.remedy(x), tones[s]})
			}
		}
	}
	for _, x := range r.Results {
		d.All = append(d.All, line{x, r.remedy(x), tones[x.Status]})
	}
	switch err := r.Err(); {
	case err == nil:
		d.Verdict = "The cloud meets all requirements that were checked."
	case r.Count(Failed) > 0:
		d.Verdict = fmt.Sprintf("The cloud can't be used yet: %s must be met first.", count(r.Count(Failed), "requirement"))
	default:
		d.Verdict = "Some checks need a second look."
	}
	lead := fmt.Sprintf("What profile %q requires of a cloud that joins CI, and what cloud %q has", r.Profile.Name, r.Cloud)
	if r.Control != "" {
		lead += fmt.Sprintf(", with %q for the mirror", r.Control)
	}
	return reportPage.Write(w, page.Page{Title: "Cloud " + r.Cloud, Lead: lead + ".", Made: r.At, Data: d})
}
