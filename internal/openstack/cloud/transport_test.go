package cloud

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// script answers the requests in turn, the last answer for ever.
func script(t *testing.T, answers ...http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := int(n.Add(1)) - 1
		answers[min(at, len(answers)-1)](w, r)
	}))
	t.Cleanup(s.Close)
	return s, &n
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for n := 0; n+1 < len(header); n += 2 {
			w.Header().Set(header[n], header[n+1])
		}
		w.WriteHeader(code)
	}
}

func drop(w http.ResponseWriter, _ *http.Request) {
	c, _, _ := w.(http.Hijacker).Hijack()
	c.Close()
}

func truncate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.Write([]byte(`{"half":`))
	w.(http.Flusher).Flush()
	drop(w, nil)
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		method   string
		marked   bool
		first    http.HandlerFunc
		status   int // 0 = an error
		requests int64
	}{
		{"GET after 503", "GET", false, status(503), 200, 2},
		{"GET after 500", "GET", false, status(500), 200, 2},
		{"GET after 502", "GET", false, status(502), 200, 2},
		{"GET after a dropped connection", "GET", false, drop, 200, 2},
		{"GET after half an answer", "GET", false, truncate, 200, 2},
		{"GET after 404", "GET", false, status(404), 404, 1},
		{"GET after 409", "GET", false, status(409), 409, 1},
		{"DELETE after 504", "DELETE", false, status(504), 200, 2},
		{"PUT after 503", "PUT", false, status(503), 200, 2},
		{"PATCH after 503", "PATCH", false, status(503), 503, 1},
		{"marked PATCH after 503", "PATCH", true, status(503), 200, 2},
		{"POST after 500", "POST", false, status(500), 500, 1},
		{"POST after 503", "POST", false, status(503), 503, 1},
		{"POST after a dropped connection", "POST", false, drop, 0, 1},
		{"POST after half an answer", "POST", false, truncate, 0, 1},
		{"marked POST after a dropped connection", "POST", true, drop, 200, 2},
		{"POST after 429", "POST", false, status(429), 200, 2},
		{"POST after 413 with Retry-After", "POST", false, status(413, "Retry-After", "0"), 200, 2},
		{"POST after 413", "POST", false, status(413), 413, 1},
		{"GET told to wait for ever", "GET", false, status(503, "Retry-After", "9223372036854775807"), 503, 1},
		{"GET told to wait for too long", "GET", false, status(503, "Retry-After", "3600"), 503, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bodies := make(chan string, 10)
			keep := func(next http.HandlerFunc) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					b, _ := io.ReadAll(r.Body)
					bodies <- string(b)
					next(w, r)
				}
			}
			s, n := script(t, keep(tt.first), keep(status(200)))
			ctx := context.Background()
			if tt.marked {
				ctx = Repeatable(ctx)
			}
			req, _ := http.NewRequestWithContext(ctx, tt.method, s.URL, bytes.NewReader([]byte("body")))
			tr := newTransport(&tls.Config{}, "")
			defer tr.Close()
			resp, err := tr.RoundTrip(req)
			if (err != nil) != (tt.status == 0) {
				t.Fatalf("error %v, want one: %v", err, tt.status == 0)
			}
			if err == nil && resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
			}
			if n.Load() != tt.requests || tr.traffic().Requests != tt.requests {
				t.Errorf("%d requests seen, %d counted, want %d", n.Load(), tr.traffic().Requests, tt.requests)
			}
			for range tt.requests {
				if b := <-bodies; b != "body" {
					t.Errorf("a request had body %q", b)
				}
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s, _ := script(t, status(429, "Retry-After", "1"), status(200))
	tr := newTransport(&tls.Config{}, "")
	defer tr.Close()
	start := time.Now()
	req, _ := http.NewRequest("GET", s.URL, nil)
	if _, err := tr.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("repeated after %s, asked for a second", took)
	}
}

func TestRepeatingEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	s, n := script(t, status(503), func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done() // the client has gone
	})
	tr := newTransport(&tls.Config{}, "")
	defer tr.Close()
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	_, err := tr.RoundTrip(req)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
	if n.Load() != 2 {
		t.Errorf("%d requests, want 2", n.Load())
	}
}

func TestNoAnswerBeforeDeadline(t *testing.T) {
	t.Parallel()
	s, n := script(t, status(503, "Retry-After", "300"))
	tr := newTransport(&tls.Config{}, "")
	defer tr.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	start := time.Now()
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	resp, err := tr.RoundTrip(req)
	if err != nil || resp.StatusCode != 503 || n.Load() != 1 || time.Since(start) > time.Minute {
		t.Errorf("got %v, %v after %d requests and %s; want the 503 at once", resp, err, n.Load(), time.Since(start))
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	s, _ := script(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(20 * time.Millisecond) // so that requests overlap
		w.Write([]byte("{}"))
	})
	tr := newTransport(&tls.Config{}, "")
	defer tr.Close()
	done := make(chan error)
	const requests = 20
	for range requests {
		go func() {
			req, _ := http.NewRequest("GET", s.URL, nil)
			_, err := tr.RoundTrip(req)
			done <- err
		}()
	}
	for range requests {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := tr.traffic(); got.Requests != requests || got.Connections > 3 {
		t.Errorf("%+v, want %d requests over at most %d connections", got, requests, 3)
	}
}

// Image data must neither be held back by the API's few connections nor be read into memory.
func TestDataPasses(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s, _ := script(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("first"))
		w.(http.Flusher).Flush()
		<-release
	})
	tr := newTransport(&tls.Config{}, "")
	defer tr.Close()
	for n := range 3 + 1 {
		req, _ := http.NewRequest("GET", s.URL+"/v2/images/1/file", nil)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		first := make([]byte, 5)
		if _, err := io.ReadFull(resp.Body, first); err != nil {
			t.Fatalf("download %d: %v", n, err)
		}
	}
	close(release)
}

func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	tr := newTransport(&tls.Config{}, "")
	defer tr.Close()
	s, _ := script(t, drop)
	for url, want := range map[string]bool{s.URL: true, "http://127.0.0.1:1": false} {
		req, _ := http.NewRequest("POST", url, nil)
		if _, err := tr.RoundTrip(req); OutcomeUnknown(err) != want {
			t.Errorf("%s: %v is unknown: %v, want %v", url, err, !want, want)
		}
	}
}
