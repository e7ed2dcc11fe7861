package watch

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// A queue that can't be reached leaves the state as it was.
func TestQueueIsDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	o := s.options(t)
	want(t, "first run", sends(t, o))
	s.put("web"+suffix, host("web", "2"))
	s.put("batch"+suffix, host("batch", "2"))
	before := read(t, o)
	down := o
	down.Sink.Open = func(context.Context) (queue.Queue, error) {
		return nil, fault.New(fault.Unavailable, "", "nobody listens")
	}
	for range 2 {
		rows, err := once(t, down)
		if !fault.Is(err, fault.Unavailable) || len(rows) != 2 || rows[0][3].Value != "not sent" {
			t.Errorf("%v %v", rows, err)
		}
		if read(t, o) != before {
			t.Error("the state has changed")
		}
	}
	want(t, "up again", sends(t, o), batchImage, webImage)
	want(t, "afterwards", sends(t, o))
}

func read(t *testing.T, o Options) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.Cache, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A run that ends after it has sent, and before it has written that down, sends again.
func TestEndsBeforeTheStateIsWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	o := s.options(t)
	want(t, "first run", sends(t, o))
	s.put("web"+suffix, host("web", "2"))
	p, err := Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	file, away := filepath.Join(o.Cache, stateFile), filepath.Join(o.Cache, "away")
	if err := errors.Join(os.Rename(file, away), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), report.Discard); err == nil {
		t.Fatal("the state could be written, so that this test shows nothing")
	}
	p.Close()
	if err := errors.Join(os.Remove(file), os.Rename(away, file)); err != nil {
		t.Fatal(err)
	}
	first := drain(t, o.Sink)
	want(t, "sent", subjects(first), webImage)
	if _, err := once(t, o); err != nil {
		t.Fatal(err)
	}
	again := drain(t, o.Sink)
	want(t, "sent again", subjects(again), webImage)
	if again[0].Sequence <= first[0].Sequence {
		t.Errorf("the second message, %d, isn't newer than the first, %d", again[0].Sequence, first[0].Sequence)
	}
	want(t, "afterwards", sends(t, o))
}

// Whichever request fails, nothing is lost, and nothing is sent twice.
func TestEachRequestFails(t *testing.T) {
	t.Parallel()
	faults := map[string]func(http.ResponseWriter){
		"500":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"404":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"page": func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html><title>Log in</title></html>")) },
		"void": func(http.ResponseWriter) {},
		"304":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotModified) },
		"cut": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush() // a request without any answer is sent again by the transport
			panic(http.ErrAbortHandler)
		},
	}
	for name, spoil := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 0; ; n++ {
				s := newSite(t)
				s.put("web"+suffix, host("web", "1"))
				s.put("batch"+suffix, host("batch", "1"))
				o := s.options(t)
				want(t, "first run", sends(t, o))
				s.put("web"+suffix, host("web", "2"))
				s.put("new"+suffix, host("new", "2"))
				count, hit := 0, false
				s.answers(func(w http.ResponseWriter, r *http.Request) bool {
					s.mu.Lock()
					mine := count == n
					count++
					s.mu.Unlock()
					// An answer that the request allows is no fault.
					if !mine || name == "304" && r.Header.Get("If-None-Match") != "" {
						return false
					}
					hit = true
					spoil(w)
					return true
				})
				_, err := once(t, o)
				done := count <= n
				if hit && err == nil {
					t.Errorf("request %d: no error", n)
				}
				s.answers(nil)
				got := subjects(drain(t, o.Sink))
				got = append(got, sends(t, o)...)
				if len(got) == 2 && got[0] > got[1] {
					got[0], got[1] = got[1], got[0]
				}
				want(t, "sent in the end", got, "sl7x-x86_64 new", webImage)
				want(t, "afterwards", sends(t, o))
				if done || t.Failed() {
					return
				}
			}
		})
	}
}

// A state that can't be read is an error that names the file, and the next run isn't kept waiting.
func TestBrokenState(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("web"+suffix, host("web", "1"))
	o := s.options(t)
	for _, text := range []string{"garbage", "[]", `{"version": 99}`} {
		if err := os.WriteFile(filepath.Join(o.Cache, "imgctl-watch.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Make(t.Context(), o); err == nil || !strings.Contains(err.Error(), "imgctl-watch.json") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
