package sandbox

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front/fronttest"
)

// faulty is a front with fault rules.
type faulty struct {
	*front.Front
	Faults Faults
}

// page answers with an error in HTML.
func page(w http.ResponseWriter, r *http.Request, status int, message string) {
	answer.WebOb(w, r, status, message, "")
}

// serve starts a front with fault rules.
func serve(t *testing.T) (f *faulty, url string, calls *atomic.Int64) {
	t.Helper()
	f = &faulty{}
	f.Front, calls = fronttest.New(page)
	f.Intercept = f.Faults.pick
	return f, fronttest.Start(t, f.Front), calls
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fault  Fault
		status int   // 0 = the connection ends without an answer
		calls  int64 // of the handler
		text   string
		retry  string
	}{
		{"answer", Fault{Do: Answer, Status: 429, RetryAfter: "3"}, 429, 0, "<title>429 Too Many Requests</title>", "3"},
		{"answer with a message", Fault{Do: Answer, Status: 409, Message: "a < b"}, 409, 0, "a &lt; b", ""},
		{"answer after", StatusAfter(500), 500, 1, "500 Internal Server Error", ""},
		{"drop before", Fault{Do: DropBefore}, 0, 0, "", ""},
		{"drop after", Fault{Do: DropAfter}, 0, 1, "", ""},
		{"delay", Fault{Do: Delay, Wait: time.Millisecond}, 201, 1, `"path":"/v2/x"`, ""},
		{"observe", Fault{Do: Observe}, 201, 1, `"project":"p"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, url, calls := serve(t)
			f.Faults.Add(Rule{Path: "/image/**", Fault: tt.fault})
			resp, text, err := fronttest.Post(t, url+"/image/v2/x")
			status := 0
			if err == nil {
				status = resp.StatusCode
			}
			if status != tt.status || calls.Load() != tt.calls || !strings.Contains(text, tt.text) {
				t.Errorf("status %d, %d calls, %q, error %v; want %d, %d, %q", status, calls.Load(), text, err, tt.status, tt.calls,
					tt.text)
			}
			if resp != nil && resp.Header.Get("Retry-After") != tt.retry {
				t.Errorf("Retry-After %q, want %q", resp.Header.Get("Retry-After"), tt.retry)
			}
			log := f.Log.Requests()
			if len(log) != 1 || log[0].Fault != tt.fault.String() || log[0].Status != tt.status {
				t.Errorf("log %+v", log)
			}
		})
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	f, url, calls := serve(t)
	f.Faults.Add(Rule{Fault: Fault{Do: Truncate, Keep: 5}})
	resp, text, err := fronttest.Post(t, url+"/image/v2/x")
	if resp == nil || resp.StatusCode != http.StatusCreated || !errors.Is(err, io.ErrUnexpectedEOF) || text != `{"bas` ||
		calls.Load() != 1 {
		t.Errorf("%v, %q, %v, %d calls", resp, text, err, calls.Load())
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()
	f, url, calls := serve(t)
	var before, after int64 = -1, -1
	f.Faults.Add(Rule{Fault: Fault{
		Before: func(*http.Request) { before = calls.Load() },
		After:  func(*http.Request) { after = calls.Load() },
	}})
	resp, _, err := fronttest.Post(t, url+"/image/v2/x")
	if err != nil || resp.StatusCode != http.StatusCreated || before != 0 || after != 1 {
		t.Errorf("%v, %v; the handler had run %d times before and %d times after", resp, err, before, after)
	}
}

func TestRulesMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		rule  Rule
		paths string // requested in turn
		want  string // x where the fault happens
	}{
		{"all", Rule{}, "/image/a /image/b", "xx"},
		{"method", Rule{Method: "GET|PUT"}, "/image/a", "."},
		{"methods", Rule{Method: "GET|POST"}, "/image/a", "x"},
		{"star is one segment", Rule{Path: "/image/*"}, "/image/a /image/a/b", "x."},
		{"two stars are many", Rule{Path: "/image/**"}, "/image/a /image/a/b", "xx"},
		{"regexp", Rule{Path: "^/image/[ab]$"}, "/image/a /image/c /image/ab", "x.."},
		{"nth", Rule{Path: "/image/a", Nth: 2}, "/image/a /image/b /image/a /image/a", "..x."},
		{"from", Rule{From: 3}, "/image/a /image/a /image/a /image/a", "..xx"},
		{"count", Rule{Count: 2}, "/image/a /image/a /image/a", "xx."},
		{"from and count", Rule{From: 2, Count: 1}, "/image/a /image/a /image/a", ".x."},
		{"condition", Rule{Match: func(r *http.Request) bool { return r.URL.Query().Has("q") }}, "/image/a /image/a?q=1", ".x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, url, _ := serve(t)
			tt.rule.Fault = Status(503)
			f.Faults.Add(tt.rule)
			got := ""
			for path := range strings.FieldsSeq(tt.paths) {
				resp, _, err := fronttest.Post(t, url+path)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode == 503 {
					got += "x"
				} else {
					got += "."
				}
			}
			if got != tt.want {
				t.Errorf("faults %s, want %s", got, tt.want)
			}
		})
	}
}

func TestScheduleIsRepeatable(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (faults string) {
		f, url, _ := serve(t)
		f.Faults.Schedule(seed, 0.5, Status(503), StatusAfter(500), Fault{Do: DropBefore})
		for range 40 {
			_, _, _ = fronttest.Post(t, url+"/image/a") // dropped ones are errors
		}
		for _, r := range f.Log.Requests() {
			faults += r.Fault + ","
		}
		return faults
	}
	first := run(1)
	if again := run(1); again != first {
		t.Errorf("seed 1 gave\n%s\nand then\n%s", first, again)
	}
	if run(2) == first {
		t.Error("seeds 1 and 2 gave the same")
	}
	for _, kind := range []string{"answer 503", "answer-after 500", "drop-before"} {
		if !strings.Contains(first, kind) {
			t.Errorf("no %s in %s", kind, first)
		}
	}
	if plain := strings.Count(first, ",") - strings.Count(first, "answer") - strings.Count(first, "drop"); plain < 10 || plain > 30 {
		t.Errorf("%d of 40 requests were left alone at rate 0.5", plain)
	}
}

func TestLoadRules(t *testing.T) {
	t.Parallel()
	rules, err := LoadRules(strings.NewReader("- {method: PATCH, path: /image/**, nth: 2, do: answer, status: 503, retry_after: " +
		"'1'}\n- {do: delay, wait: 20ms}\n"))
	if err != nil || len(rules) != 2 || rules[0].Nth != 2 || rules[0].Status != 503 || rules[1].Wait != 20*time.Millisecond {
		t.Errorf("%+v, %v", rules, err)
	}
	for name, text := range map[string]string{
		"unknown key":    "- {paht: /x, do: delay}",
		"unknown effect": "- {do: smash}",
		"no effect":      "- {path: /x}",
		"bad status":     "- {do: answer, status: 200}",
		"bad regexp":     "- {path: '^(', do: delay}",
	} {
		if _, err := LoadRules(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
