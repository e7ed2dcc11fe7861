package pages_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/board"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// factory is a board that shows something of everything.
func factory(t *testing.T) (http.Handler, queue.Queue) {
	t.Helper()
	q, err := queue.OpenFile(t.Context(), filepath.Join(t.TempDir(), "queue.db"), queue.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	logs, err := buildlog.In(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	for n, image := range []string{"sl7x-x86_64 web", "sl7x-x86_64 batch", "rocky9-x86_64 web", "rocky9-x86_64 gpu", `odd <b>"name"</b>`} {
		for k := range 3 {
			began := now.Add(-time.Duration(n+5*k+1) * 47 * time.Minute)
			run, err := logs.Begin(buildlog.Build{Image: image, Message: "m", Attempt: 1, Worker: "builder-1/4711", Started: began})
			if err != nil {
				t.Fatal(err)
			}
			result := buildlog.Result{Outcome: buildlog.Built, Ended: began.Add(time.Duration(311+40*n+k) * time.Second)}
			result.Images = []string{fmt.Sprintf("6f1d2c3b-7a54-4e0f-9b6d-2f8a1c5e7d%d%d", n, k)}
			if n == 3 && k == 0 {
				result = buildlog.Result{
					Outcome: buildlog.Failed, Ended: result.Ended,
					Reason: "creating the server: Quota exceeded for cores: 4, but already used 100 of 100 cores",
				}
			}
			if err := run.End(result); err != nil {
				t.Fatal(err)
			}
		}
	}
	run, err := logs.Begin(buildlog.Build{
		Image: "rocky9-x86_64 web", Message: "m", Attempt: 2, Worker: "builder-1/4711", Started: now.Add(-83 * time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.End(buildlog.Result{Outcome: buildlog.Built, Ended: time.Now()}) })
	if err := os.WriteFile(run.Log(), []byte("==> openstack.web: Creating the server\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"sl7x-x86_64 old", "plan97x-x86_64 web"} {
		if err := q.Publish(t.Context(), queue.Message{ID: subject, Subject: subject, At: now}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	left := 2
	err = q.Consume(ctx, 1, func(ctx context.Context, d queue.Delivery) {
		reason := `finding the source image of "` + d.Message().Subject + `" in source-images.json: there is no entry for it`
		if err := d.Bury(ctx, queue.Failure{Reason: reason, At: now.Add(-time.Hour)}); err != nil {
			t.Error(err)
		}
		if left--; left == 0 {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		m := queue.Message{ID: strconv.Itoa(n), Subject: "sl7x-x86_64 web", Sequence: int64(n), At: now}
		if err := q.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	handler, err := board.New(board.Options{Queue: q, Logs: logs, Warn: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return handler, q
}

// driven adds a script to the board, in place of the policy that forbids it.
func driven(next http.Handler, script string) http.Handler {
	csp := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			next.ServeHTTP(w, r)
			return
		}
		said := httptest.NewRecorder()
		next.ServeHTTP(said, r)
		text := strings.Replace(csp.ReplaceAllString(said.Body.String(), ""), "</html>", "<script>"+script+"</script></html>", 1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(said.Code)
		_, _ = w.Write([]byte(text))
	})
}

func TestFactoryInChromium(t *testing.T) {
	t.Parallel()
	handler, q := factory(t)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	said := httptest.NewRecorder()
	handler.ServeHTTP(said, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil))
	if found := regexp.MustCompile(`(?:src|href)="[a-z]+:|url\(|@import`).Find(said.Body.Bytes()); found != nil {
		t.Errorf("the page asks the network: %s", found)
	}
	for _, look := range []struct{ name, size, flags string }{
		{"factory", "1180,1400", ""}, {"factory-narrow", "390,1200", ""}, {"factory-dark", "1180,1400", "--force-dark-mode"},
	} {
		picture(t, server.URL, look.name, look.size, look.flags)
	}

	// The script does what a person would with keyboard and mouse, on a phone's width.
	const drive = `
const say = (what, value) => {
  const p = document.createElement("p"); p.className = "said";
  p.textContent = what + "=" + value;
  document.body.append(p);
};
const buttons = [...document.querySelectorAll("#dead ~ .scroll form button")];
say("letters", buttons.length);
say("escaped", document.querySelectorAll("td b").length);
say("wide", document.documentElement.scrollWidth <= innerWidth);
say("live", document.querySelector("a[aria-label='Log of rocky9-x86_64 web, live']").getAttribute("href").startsWith("/log?"));
for (const e of [...document.querySelectorAll("a, button, input")].filter(e => e.checkVisibility())) {
  e.focus();
  if (document.activeElement !== e) say("not by keyboard", e.outerHTML);
}
const search = document.querySelector("input[type=search]");
search.value = "gpu"; search.dispatchEvent(new Event("input"));
say("found", document.querySelector("output").textContent);
if (buttons.length === 2) {
  const b = buttons.find(b => b.getAttribute("aria-label") === "Try plan97x-x86_64 web again");
  b.focus(); b.click();
}`
	drives := httptest.NewServer(driven(handler, drive))
	t.Cleanup(drives.Close)
	dom := string(browse(t, drives.URL, "--dump-dom", "--window-size=390,900"))
	for _, want := range []string{"letters=1", "escaped=0", "wide=true", "live=true", "found=3 of 15"} {
		if !strings.Contains(dom, ">"+want+"<") {
			t.Errorf("the page doesn't say %q: %q", want, regexp.MustCompile(`class="said">[^<]*`).FindAllString(dom, -1))
		}
	}
	if strings.Contains(dom, ">not by keyboard=") {
		t.Errorf("not everything can be reached by keyboard: %q", regexp.MustCompile(`not by keyboard=[^<]*`).FindAllString(dom, -1))
	}
	count, err := q.Count(t.Context())
	if err != nil || count.Dead != 1 || count.Ready != 4 {
		t.Errorf("the button has left %+v (%v)", count, err)
	}
	if bytes.Contains(said.Body.Bytes(), []byte("guest")) {
		t.Error("a password is on the page")
	}
}
