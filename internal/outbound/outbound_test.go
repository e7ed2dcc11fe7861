package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// server is one that notes what it is asked.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // method, path, whether a token came, the body
}

func serve(t *testing.T, secure bool, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, fmt.Sprintf("%s %s token=%t %s", r.Method, r.URL, r.Header.Get("X-Auth-Token")+
			r.Header.Get("Authorization") != "", body))
		s.mu.Unlock()
		answer(w, r)
	})
	if s.Server = httptest.NewUnstartedServer(h); secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

func authorities(servers ...*server) *tls.Config {
	roots := x509.NewCertPool()
	for _, s := range servers {
		if s.TLS != nil {
			roots.AddCert(s.Certificate())
		}
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func ask(t *testing.T, tr *outbound.Transport, method, url, body string) (string, error) {
	t.Helper()
	t.Cleanup(tr.Close)
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", "secret")
	req.Header.Set("Accept", "application/json")
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

func redirect(to *string, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", *to)
		w.WriteHeader(status)
	}
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }

func TestARedirectElsewhereGetsNothing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, secure := range []bool{false, true} {
			for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
				t.Run(fmt.Sprint(method, status, secure), func(t *testing.T) {
					t.Parallel()
					elsewhere := serve(t, false, ok)
					to := elsewhere.URL + "/x"
					first := serve(t, secure, redirect(&to, status))
					_, err := ask(t, outbound.New(outbound.Policy{TLS: authorities(first)}), method, first.URL, "password")
					moved, is := errors.AsType[*outbound.Moved](err)
					if !is || moved.To != to || !strings.Contains(err.Error(), first.URL) {
						t.Errorf("it ended with %v", err)
					}
					if seen := elsewhere.requests(); len(seen) != 0 {
						t.Errorf("the other server got %q", seen)
					}
				})
			}
		}
	}
}

func TestARedirectOnTheSameServerKeepsTheRequest(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		301: "POST /new token=true body", 307: "POST /new token=true body",
		308: "POST /new token=true body", 303: "GET /new token=true ",
	} {
		to := "/new"
		s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/new" {
				redirect(&to, status)(w, r)
				return
			}
			ok(w, r)
		})
		if _, err := ask(t, outbound.New(outbound.Policy{Whole: true}), "POST", s.URL+"/old", "body"); err != nil {
			t.Errorf("%d: %v", status, err)
		}
		if seen := s.requests(); len(seen) != 2 || seen[1] != want {
			t.Errorf("%d: it got %q, want %q", status, seen, want)
		}
	}
	to := "/"
	s := serve(t, false, redirect(&to, 302))
	if _, err := ask(t, outbound.New(outbound.Policy{}), "GET", s.URL, ""); err == nil || len(s.requests()) > 20 {
		t.Errorf("a circle of redirects ended with %v after %d requests", err, len(s.requests()))
	}
}

// From http to https on the same host nobody learns what wasn't readable before; back they would.
func TestARedirectMayAddTLSOnly(t *testing.T) {
	t.Parallel()
	secure := serve(t, true, ok)
	to := secure.URL + "/v3"
	plain := serve(t, false, redirect(&to, 301))
	if _, err := ask(t, outbound.New(outbound.Policy{TLS: authorities(secure)}), "POST", plain.URL, "x"); err != nil {
		t.Error(err)
	}
	if seen := secure.requests(); len(seen) != 1 || seen[0] != "POST /v3 token=true x" {
		t.Errorf("with TLS it got %q", seen)
	}
}

func TestLeaveTakesNoCredentials(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, false, ok)
	to := elsewhere.URL + "/blob"
	first := serve(t, false, redirect(&to, 307))
	if _, err := ask(t, outbound.New(outbound.Policy{Leave: true}), "GET", first.URL, ""); err != nil {
		t.Error(err)
	}
	if seen := elsewhere.requests(); len(seen) != 1 || strings.Contains(seen[0], "token=true") {
		t.Errorf("the other server got %q", seen)
	}
	secure := serve(t, true, redirect(&to, 302))
	if _, err := ask(t, outbound.New(outbound.Policy{Leave: true, TLS: authorities(secure)}), "GET", secure.URL, ""); err == nil {
		t.Error("a redirect from https to http was followed")
	}
	if _, err := ask(t, outbound.New(outbound.Policy{Leave: true}), "POST", first.URL, "password"); err == nil {
		t.Error("a body went to another server")
	}
}

func TestOnlyAllowedOriginsGetTheToken(t *testing.T) {
	t.Parallel()
	known, unknown := serve(t, false, ok), serve(t, false, ok)
	tr := outbound.New(outbound.Policy{})
	tr.Allow(known.URL + "/image")
	if _, err := ask(t, tr, "GET", known.URL+"/compute", ""); err != nil {
		t.Error(err)
	}
	if _, err := ask(t, tr, "GET", unknown.URL, ""); err == nil || len(unknown.requests()) != 0 {
		t.Errorf("another server got %q, and it ended with %v", unknown.requests(), err)
	}
}

func TestLinksStayAtTheAddressThatWasAsked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ answer, want string }{
		{
			`{"servers":[],"servers_links":[{"rel":"next","href":"http://nova:8774/v2.1/servers?marker=1"}]}`,
			"/compute/v2.1/servers?marker=1",
		},
		{
			`{"ports_links":[{"rel":"previous","href":"http://n/servers?x"},{"rel":"next","href":"https://n/servers?marker=1"}]}`,
			"/compute/v2.1/servers?marker=1",
		},
		{`{"links":{"self":"http://k/","next":"http://k/v3/servers?page=2"}}`, "/compute/v2.1/servers?page=2"},
		{`{"next":"http://ironic:6385/v1/servers?marker=n"}`, "/compute/v2.1/servers?marker=n"},
		{`{"next":"/v2/servers?marker=g"}`, "/v2/servers?marker=g"},
		{`{"schema":"/v2/schemas/servers","next":"http://glance/v2/servers?marker=g"}`, "/v2/servers?marker=g"},
		{`{"Next":"http://nova:8774/v1/servers?marker=n"}`, "/compute/v2.1/servers?marker=n"},
		{`{"\u006eext":"http://nova:8774/v1/servers?marker=n"}`, "/compute/v2.1/servers?marker=n"},
		{`{"servers_linKs":[{"Rel":"next","hreF":"http://nova:8774/v1/servers?marker=n"}]}`, "/compute/v2.1/servers?marker=n"},
		{`{"next":null,"links":[]}`, ""},
	} {
		s := serve(t, false, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(tt.answer)) })
		got, err := ask(t, outbound.New(outbound.Policy{Whole: true, Links: true}), "GET", s.URL+"/compute/v2.1/servers?limit=1", "")
		if err != nil || !strings.Contains(strings.ReplaceAll(got, s.URL, ""), `"`+tt.want+`"`) && tt.want != "" ||
			strings.Contains(got, "nova:8774") {
			t.Errorf("%s became %s, %v", tt.answer, got, err)
		}
	}
	for _, foreign := range []string{
		"http://evil.example/other?marker=1", "https://evil.example/v2.1/servers",
		"ftp://evil.example/servers?x=1",
	} {
		s := serve(t, false, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"next":%q}`, foreign) })
		_, err := ask(t, outbound.New(outbound.Policy{Whole: true, Links: true}), "GET", s.URL+"/v2.1/servers", "")
		if refused, is := errors.AsType[*outbound.Refused](err); foreign[0] == 'h' &&
			(!is || refused.To != foreign || !strings.HasPrefix(refused.From, s.URL)) {
			t.Errorf("%s: %v", foreign, err)
		}
	}
}

func TestListsWithoutEndAreFound(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]map[string]string{
		"itself":         {"": "/v2/images?marker=1", "1": "/v2/images?marker=1"},
		"the first page": {"": "/v2/images?marker=1", "1": "/v2/images"},
		"a circle of three": {
			"": "/v2/images?marker=1", "1": "/v2/images?marker=2", "2": "/v2/images?marker=3",
			"3": "/v2/images?marker=1",
		},
		"itself, in another spelling": {"": "/v2/images?limit=5&marker=1", "1": "http://glance/v2/images?marker=1&limit=5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `{"images":[],"next":%q}`, next[r.URL.Query().Get("marker")])
			})
			tr := outbound.New(outbound.Policy{Whole: true, Links: true})
			at, tries := s.URL+"/image/v2/images", 0
			for ; tries < 10; tries++ {
				text, err := ask(t, tr, "GET", at, "")
				if err != nil {
					if !strings.Contains(err.Error(), "circle") {
						t.Error(err)
					}
					break
				}
				link := text[strings.Index(text, "?") : len(text)-2]
				at = s.URL + "/image/v2/images" + strings.ReplaceAll(link, `\u0026`, "&")
			}
			if tries >= 6 {
				t.Errorf("%d pages were read", tries)
			}
			// A list that is read twice is none of that.
			if _, err := ask(t, tr, "GET", s.URL+"/image/v2/images", ""); err != nil && name != "itself" {
				t.Errorf("the first page, again: %v", err)
			}
		})
	}
}

func TestAnswersAreBounded(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 256 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	packed := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	plain := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
		for range 256 {
			if _, err := w.Write(zeros); err != nil {
				return
			}
		}
	})
	for _, s := range []*server{packed, plain} {
		for _, whole := range []bool{false, true} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := ask(t, outbound.New(outbound.Policy{Whole: whole, MaxBody: 4 << 20}), "GET", s.URL, "")
			runtime.ReadMemStats(&after)
			if !errors.Is(err, outbound.ErrTooLarge) || !strings.Contains(err.Error(), "4 MiB") {
				t.Errorf("it ended with %v", err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("it took %d MiB", used>>20)
			}
		}
	}
	ctx := outbound.Limit(t.Context(), 10)
	req, _ := http.NewRequestWithContext(ctx, "GET", plain.URL, nil)
	if _, err := outbound.New(outbound.Policy{Whole: true}).RoundTrip(req); !errors.Is(err, outbound.ErrTooLarge) {
		t.Errorf("a request's own limit: %v", err)
	}
	header := serve(t, false, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) })
	if _, err := ask(t, outbound.New(outbound.Policy{}), "GET", header.URL, ""); err == nil {
		t.Error("a header of a MiB was read")
	}
}

func TestABodyThatDoesntArriveEnds(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	slowly := func(w http.ResponseWriter, r *http.Request, what string, every time.Duration) {
		for {
			_, _ = w.Write([]byte(what))
			_ = http.NewResponseController(w).Flush()
			select {
			case <-done:
				return
			case <-r.Context().Done():
				return
			case <-time.After(every):
			}
		}
	}
	for name, tt := range map[string]struct {
		policy outbound.Policy
		answer http.HandlerFunc
	}{
		"hangs": {outbound.Policy{Idle: 300 * time.Millisecond}, func(w http.ResponseWriter,
			r *http.Request,
		) {
			slowly(w, r, "x", time.Hour)
		}},
		"drips": {outbound.Policy{Idle: 300 * time.Millisecond}, func(w http.ResponseWriter,
			r *http.Request,
		) {
			slowly(w, r, "x", 20*time.Millisecond)
		}},
		"too long": {outbound.Policy{Total: 300 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
			slowly(w, r, strings.Repeat("x", 5000), 20*time.Millisecond)
		}},
	} {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprint(name, whole), func(t *testing.T) {
				t.Parallel()
				s := serve(t, false, tt.answer)
				tt.policy.Whole = whole
				start := time.Now()
				if _, err := ask(t, outbound.New(tt.policy), "GET", s.URL, ""); !errors.Is(err, outbound.ErrTooSlow) {
					t.Errorf("after %s it ended with %v", time.Since(start), err)
				}
			})
		}
	}
}

// A reader that takes its time isn't taken for a server that does.
func TestASlowReaderIsNoFault(t *testing.T) {
	t.Parallel()
	s := serve(t, false, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 10)) })
	req, _ := http.NewRequestWithContext(context.Background(), "GET", s.URL, nil)
	resp, err := outbound.New(outbound.Policy{Idle: 100 * time.Millisecond}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	time.Sleep(300 * time.Millisecond) // this is the slow reader: longer than Idle
	if b, err := io.ReadAll(resp.Body); err != nil || len(b) != 10 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestWhatIsNoJSONIsNamed(t *testing.T) {
	t.Parallel()
	for answer, kind := range map[string]string{
		"<html>Maintenance</html>": "text/html", "<html>\n": "application/json",
		"Maintenance": "text/plain",
	} {
		s := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write([]byte(answer))
		})
		_, err := ask(t, outbound.New(outbound.Policy{Whole: true}), "GET", s.URL+"/v2/images", "")
		if _, is := errors.AsType[*outbound.NotJSON](err); !is || !strings.Contains(err.Error(), s.URL+"/v2/images") {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// Whatever a list says, its next page is at the server that was asked.
func FuzzLinks(f *testing.F) {
	for _, seed := range []string{
		`{"next":"http://evil.example/servers?x=1"}`, `{"servers_links":[{"rel":"next","href":"//evil.example/servers?x"}]}`,
		`{"links":{"next":"https:evil"}}`,
		`{"schema":"/","next":"http://evil.example/v2/servers?x=1"}`, `{"next":"\\evil.example\servers?x=1"}`,
	} {
		f.Add(seed)
	}
	var answer atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_,
			_ = w.Write([]byte(answer.Load().(string)))
	}))
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, text string) {
		answer.Store(text)
		tr := outbound.New(outbound.Policy{Whole: true, Links: true})
		defer tr.Close()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/compute/servers", nil)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		var list struct {
			Next  string                       `json:"next"`
			Links []struct{ Rel, Href string } `json:"servers_links"`
		}
		if json.NewDecoder(resp.Body).Decode(&list) != nil {
			return
		}
		found := []string{list.Next}
		for _, l := range list.Links {
			if l.Rel == "next" {
				found = append(found, l.Href)
				break
			}
		}
		for _, link := range found {
			if to, err := req.URL.Parse(link); err == nil && outbound.Origin(to) != outbound.Origin(req.URL) {
				t.Errorf("%s leads to %s", text, to)
			}
		}
	})
}
