package board

import (
	"bytes"
	"context"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/page"
)

// place is where the log goes in its page.
const place = "[the log]"

var logPage = page.New(`{{define "body"}}<p class="note"><a href="/">All of the factory</a></p>
<pre class="log" tabindex="0" role="log" aria-label="Log">` + place + `</pre>{{end}}`)

// log shows the log of a run, and goes on with what is added until the run ends.
func (b *board) log(w http.ResponseWriter, r *http.Request) {
	image := r.URL.Query().Get("image")
	run, err := b.Logs.Find(image, r.URL.Query().Get("run"))
	if err != nil {
		b.failed(w, err)
		return
	}
	var text bytes.Buffer
	p := page.Page{Title: image, Lead: lead(run), Made: time.Now()}
	if err := logPage.Write(&text, p); err != nil {
		b.failed(w, err)
		return
	}
	head, tail, _ := bytes.Cut(text.Bytes(), []byte(place))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(head)
	to := &escaped{w, http.NewResponseController(w)}
	_ = to.flush.Flush()
	// A browser that has gone away ends it, and so does the end of the server.
	if err := run.Show(r.Context(), to, run.Running()); err != nil && r.Context().Err() == nil {
		b.Warn(err)
	}
	_, _ = w.Write(tail)
}

func lead(run *buildlog.Run) string {
	text := "Started " + run.Build.Started.UTC().Format(time.RFC3339) + " by " + run.Build.Worker + "."
	switch {
	case run.Result != nil:
		text += " Ended " + run.Result.Ended.UTC().Format(time.RFC3339) + ": " + run.Result.Outcome + "."
	case run.Running():
		text += " It is running; the log goes on by itself."
	default:
		text += " Its worker died."
	}
	return text
}

// escaped writes text into a page, and shows it at once.
type escaped struct {
	to    io.Writer
	flush *http.ResponseController
}

func (e *escaped) Write(b []byte) (int, error) {
	template.HTMLEscape(e.to, b)
	if err := e.flush.Flush(); err != nil {
		return 0, err
	}
	return len(b), nil
}

// background is for what has to go on when a request has ended.
func background(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), patient)
}
