package page_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/page"
)

func TestPage(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	body := page.New(`{{define "body"}}<p>{{.Text}} {{bytes .Size}} {{ago .From .Now}} {{day .From}} {{count 2 "image"}}</p>{{template "timeline" .Plot}}{{end}}`)
	hostile := `"><script>alert(1)</script>`
	from := now.AddDate(-2, 0, 0)
	data := map[string]any{
		"Text": hostile, "Size": int64(3 << 29), "From": from, "Now": now,
		"Plot": page.Timeline{
			Label: hostile, From: from, To: now.AddDate(1, 0, 0), Now: now, Lanes: []page.Lane{
				{Label: hostile},
				{
					Label: strings.Repeat("ü", 50), Bars: []page.Bar{
						{From: from.AddDate(-9, 0, 0), To: now.AddDate(9, 0, 0), Class: "strong", Title: hostile, Link: "#a"},
						{From: now, To: now, Class: "warn", Title: "no time at all", Link: "javascript:alert(1)"},
					}, Marks: []page.Mark{{At: now, Class: "bad", Title: hostile, Link: "#b"}},
				},
			},
		},
	}
	var out bytes.Buffer
	if err := body.Write(&out, page.Page{Title: hostile, Lead: hostile, Made: now, Data: data}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"1.5 GiB", "23 mo", "2024-03-01", "2 images", `x="230"`, `width="834"`, `width="3"`, "Jan 2026", "…",
		`http-equiv="Content-Security-Policy"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<script>alert", "javascript:alert", "http://", "https://"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func TestBytesAndAges(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 2048: "2 KiB", 5 << 20: "5 MiB", 3 << 40: "3.0 TiB"} {
		if got := page.Bytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for days, want := range map[int]string{-3: "0 d", 0: "0 d", 89: "89 d", 400: "13 mo"} {
		if got := page.Ago(now.AddDate(0, 0, -days), now); got != want {
			t.Errorf("%d days are %q, want %q", days, got, want)
		}
	}
	if page.Ago(time.Time{}, now) != "" || page.Count(1, "image") != "1 image" {
		t.Error("no time has an age, or one image is several")
	}
}
