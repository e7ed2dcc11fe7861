package board

import (
	_ "embed"
	"net/http"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/page"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

//go:embed board.html
var boardHTML string

var boardPage = page.New(boardHTML)

// The functions of the template that page doesn't have are methods of what it shows.

// Tag is the style's class for the state.
func (b build) Tag() string {
	switch b.State {
	case "built":
		return "strong"
	case running, "interrupted", died:
		return "warn"
	case "failed":
		return "bad"
	}
	return "plain"
}

// Seconds sorts.
func (b build) Seconds() int { return int(b.Duration.Seconds()) }

// Busy is how many requests are being worked on, "?" if the queue can't tell.
func (v view) Busy() any {
	if v.Count.Working == nil {
		return len(v.Running)
	}
	return *v.Count.Working
}

// Time is a moment, for people.
func (view) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// Unix sorts.
func (view) Unix(t time.Time) int64 { return t.Unix() }

// refresh is how often a browser asks for the board anew.
const refresh = "10"

func (b *board) index(w http.ResponseWriter, r *http.Request) {
	v := b.look(r.Context())
	v.Refresh = r.URL.Query().Get("refresh") != "no"
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.Refresh {
		w.Header().Set("Refresh", refresh)
	}
	if len(v.Problems) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	err := boardPage.Write(w, page.Page{Title: "Factory", Lead: "Profiles change, images follow.", Made: v.At, Data: v})
	if err != nil {
		b.Warn(err)
	}
}

// deadLetters tries one again, or all.
func (b *board) deadLetters(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("form") != b.form {
		http.Error(w, "This form is out of date. Go back, load the page again, and repeat.", http.StatusForbidden)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	var ids []string
	if id := strings.TrimSpace(r.PostFormValue("message")); id != "" {
		ids = []string{id}
	}
	plan, err := worker.NewDeadLetters(r.Context(), b.Queue, false, r.PostFormValue("all") == "yes", ids...)
	if err == nil {
		err = plan.Apply(r.Context(), report.Discard)
	}
	if err != nil {
		b.failed(w, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
