package board_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/board"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// world is a board over a queue in a file.
type world struct {
	t    *testing.T
	q    queue.Queue
	file string // of the queue
	logs *buildlog.Store
	*httptest.Server
}

func start(t *testing.T, o board.Options) *world {
	t.Helper()
	file := filepath.Join(t.TempDir(), "queue.db")
	q, err := queue.OpenFile(t.Context(), file, queue.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	logs, err := buildlog.In(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o.Queue, o.Logs, o.Warn = q, logs, func(err error) { t.Log(err) }
	handler, err := board.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t, q, file, logs, httptest.NewServer(handler)}
	w.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(w.Close)
	return w
}

// bury makes a dead letter.
func (w *world) bury(id, subject, reason string) {
	w.t.Helper()
	if err := w.q.Publish(w.t.Context(), queue.Message{ID: id, Subject: subject, At: time.Now()}); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	err := w.q.Consume(ctx, 1, func(ctx context.Context, d queue.Delivery) {
		if err := d.Bury(ctx, queue.Failure{Reason: reason, At: time.Now()}); err != nil {
			w.t.Error(err)
		}
		cancel()
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) begin(image string) *buildlog.Run {
	w.t.Helper()
	run, err := w.logs.Begin(buildlog.Build{Image: image, Message: "m", Attempt: 1, Worker: "host/1", Started: time.Now()})
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

// do sends a request, as changed by change.
func (w *world) do(method, path string, form url.Values, change func(*http.Request)) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(req)
	}
	resp, err := w.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(text)
}

func (w *world) get(path string) (*http.Response, string) {
	return w.do(http.MethodGet, path, nil, nil)
}

func TestThePageShowsTheFactory(t *testing.T) {
	t.Parallel()
	w := start(t, board.Options{})
	done := w.begin("old <b>image</b>")
	result := buildlog.Result{Outcome: buildlog.Built, Images: []string{"4711"}, Ended: done.Build.Started.Add(90 * time.Second)}
	if err := done.End(result); err != nil {
		t.Fatal(err)
	}
	w.begin("new image")
	w.bury("id-1", "bad image", `it <script>alert("fails")</script>`)
	resp, text := w.get("/")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Refresh") == "" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	for _, want := range []string{
		"old &lt;b&gt;image", "1m30s", ">4711<", "new image</td><td><a href=\"/log?image=new%20image", "bad image", "&lt;script&gt;alert",
		`name="message" value="id-1"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if resp, _ := w.get("/?refresh=no"); resp.Header.Get("Refresh") != "" {
		t.Error("it reloads all the same")
	}
	if resp, _ := w.get("/else"); resp.StatusCode != http.StatusNotFound {
		t.Error(resp.Status)
	}
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

func TestADeadLetterIsTriedAgainFromThePageOnly(t *testing.T) {
	t.Parallel()
	w := start(t, board.Options{})
	w.bury("id-1", "bad image", "no flavor")
	w.bury("id-2", "other image", "no flavor")
	_, text := w.get("/")
	key := formField.FindStringSubmatch(text)[1]
	form := url.Values{"form": {key}, "message": {"id-1"}}
	left := func() int {
		c, err := w.q.Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c.Dead
	}
	for name, refused := range map[string]func() *http.Response{
		"no key": func() *http.Response {
			resp, _ := w.do(http.MethodPost, "/dead-letters", url.Values{"message": {"id-1"}}, nil)
			return resp
		},
		"another site": func() *http.Response {
			resp, _ := w.do(http.MethodPost, "/dead-letters", form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
			return resp
		},
		"another origin": func() *http.Response {
			evil := func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }
			resp, _ := w.do(http.MethodPost, "/dead-letters", form, evil)
			return resp
		},
	} {
		if resp := refused(); resp.StatusCode != http.StatusForbidden || left() != 2 {
			t.Errorf("%s: %s, %d dead letters", name, resp.Status, left())
		}
	}
	if resp, _ := w.do(http.MethodPost, "/dead-letters", form, nil); resp.StatusCode != http.StatusSeeOther || left() != 1 {
		t.Errorf("%s, %d dead letters", resp.Status, left())
	}
	if _, text := w.get("/"); strings.Contains(text, "id-1") || !strings.Contains(text, "id-2") {
		t.Error("the page shows what was before")
	}
	if resp, _ := w.do(http.MethodPost, "/dead-letters", form, nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the second time: %s", resp.Status)
	}
	// An empty message isn't all of them.
	form = url.Values{"form": {key}, "message": {""}}
	if resp, _ := w.do(http.MethodPost, "/dead-letters", form, nil); resp.StatusCode < 400 || left() != 1 {
		t.Errorf("empty: %s, %d dead letters", resp.Status, left())
	}
	form = url.Values{"form": {key}, "all": {"yes"}}
	if resp, _ := w.do(http.MethodPost, "/dead-letters", form, nil); resp.StatusCode != http.StatusSeeOther || left() != 0 {
		t.Errorf("all: %s, %d dead letters", resp.Status, left())
	}
}

func TestOnlyThisMachineSeesThePageWithoutAToken(t *testing.T) {
	t.Parallel()
	w := start(t, board.Options{})
	for host, want := range map[string]int{
		"localhost:1": 200, "127.0.0.1": 200, "[::1]:80": 200, "factory.example": 403, "127.0.0.1.evil.example:80": 403, "10.0.0.1:80": 403,
	} {
		for _, path := range []string{"/", "/metrics", "/log?image=x"} {
			resp, _ := w.do(http.MethodGet, path, nil, func(r *http.Request) { r.Host = host })
			if (resp.StatusCode == http.StatusForbidden) != (want == http.StatusForbidden) {
				t.Errorf("%s as %s: %s", path, host, resp.Status)
			}
		}
	}
	if board.Loopback(w.Listener.Addr()) != true {
		t.Error("127.0.0.1 isn't loopback")
	}
}

func TestATokenLetsPeopleIn(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef+/" // #nosec G101 -- a test's
	w := start(t, board.Options{Token: token})
	status := func(path string, change func(*http.Request)) (*http.Response, string) {
		return w.do(http.MethodGet, path, nil, func(r *http.Request) {
			r.Host = "factory.example"
			if change != nil {
				change(r)
			}
		})
	}
	for _, path := range []string{"/", "/metrics", "/log?image=x", "/?token=", "/?token=wrong"} {
		if resp, _ := status(path, nil); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp, _ := status("/healthz", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("healthz: %s", resp.Status)
	}
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	if resp, _ := status("/metrics", bearer); resp.StatusCode != http.StatusOK {
		t.Errorf("bearer: %s", resp.Status)
	}
	resp, _ := status("/?refresh=no&token="+url.QueryEscape(token), nil)
	cookies := resp.Cookies()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/?refresh=no" || len(cookies) != 1 ||
		!cookies[0].HttpOnly {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	resp, text := status("/", func(r *http.Request) { r.AddCookie(cookies[0]) })
	if resp.StatusCode != http.StatusOK || strings.Contains(text, token) {
		t.Errorf("%s\n%s", resp.Status, text)
	}
	if _, err := board.New(board.Options{Token: "short"}); err == nil {
		t.Error("a short token is taken")
	}
}

func TestTheLogOfARunningBuildGoesOn(t *testing.T) {
	t.Parallel()
	w := start(t, board.Options{})
	run := w.begin("web")
	log, err := os.Create(run.Log())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	fmt.Fprintln(log, "first <line>")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/log?image=web&run="+run.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("no %q: %v", want, lines.Err())
	}
	until("first &lt;line&gt;")
	fmt.Fprintln(log, "second line")
	until("second line")
	if err := run.End(buildlog.Result{Outcome: buildlog.Failed, Ended: time.Now()}); err != nil {
		t.Fatal(err)
	}
	until("</html>")
	if resp, _ := w.get("/log?image=none"); resp.StatusCode != http.StatusNotFound {
		t.Error(resp.Status)
	}
	if resp, _ := w.get("/log?image=" + url.QueryEscape("../../etc")); resp.StatusCode != http.StatusNotFound {
		t.Error(resp.Status)
	}
}

func TestMonitoring(t *testing.T) {
	t.Parallel()
	var stopped error
	w := start(t, board.Options{Healthy: func() error { return stopped }})
	w.bury("id-1", "bad image", "no flavor")
	run := w.begin("web")
	ended := run.Build.Started.Add(time.Minute)
	if err := run.End(buildlog.Result{Outcome: buildlog.Built, Images: []string{"4711"}, Ended: ended}); err != nil {
		t.Fatal(err)
	}
	resp, text := w.get("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v\n%s", resp.Status, err, text)
	}
	for _, want := range []string{
		`imgctl_factory_requests{state="dead"} 1`, `imgctl_factory_last_build_duration_seconds{image="web",outcome="built"} 60`,
		`imgctl_factory_problems 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if len(families) != 6 {
		t.Errorf("%d families", len(families))
	}
	if resp, text := w.get("/healthz"); resp.StatusCode != http.StatusOK || !strings.Contains(text, `"status":"ok"`) {
		t.Errorf("%s %s", resp.Status, text)
	}
	stopped = errors.New("no more")
	if resp, text := w.get("/healthz"); resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(text, "no more") {
		t.Errorf("%s %s", resp.Status, text)
	}
	stopped = nil
	if err := os.Remove(w.file); err != nil {
		t.Fatal(err)
	}
	if resp, text := w.get("/healthz"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%s %s", resp.Status, text)
	}
}
