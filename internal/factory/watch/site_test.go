package watch

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// site is a web server with profiles and their index, as Aquilon has it.
type site struct {
	*httptest.Server
	mu       sync.Mutex
	profiles map[string]string
	changes  map[string]int // their "mtime"
	order    []string
	requests []string
	answer   func(w http.ResponseWriter, r *http.Request) bool // what comes before; true if it has answered
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{profiles: map[string]string{}, changes: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

const suffix = ".cloud.template.json"

// put changes a profile and the index.
func (s *site) put(name, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.profiles[name]; !known {
		s.order = append(s.order, name)
	}
	s.profiles[name] = text
	s.changes[name]++
}

func (s *site) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.profiles, name)
	s.order = slices.DeleteFunc(s.order, func(n string) bool { return n == name })
}

func (s *site) index() string {
	var b strings.Builder
	b.WriteString("<?xml version='1.0' encoding='utf-8'?>\n<profiles>\n")
	for _, name := range s.order {
		fmt.Fprintf(&b, "<profile mtime='%d'>%s</profile>\n", s.changes[name], name)
	}
	b.WriteString("</profiles>\n")
	return b.String()
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.URL.Path)
	answer := s.answer
	s.mu.Unlock()
	if answer != nil && answer(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/profiles/")
	text, ok := s.profiles[name]
	if name == "profiles-info.xml" {
		text, ok = s.index(), true
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	tag := fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256([]byte(text))))
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write([]byte(text))
}

func (s *site) answers(answer func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// asked are the requests since it was last called.
func (s *site) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.requests
	s.requests = nil
	return all
}

func (s *site) options(t *testing.T) Options {
	t.Helper()
	return Options{
		Index: s.URL + "/profiles/profiles-info.xml", Profiles: s.URL + "/profiles/", Match: suffix, Cache: t.TempDir(), Sink: fileSink(t),
	}
}

// host is a profile of the personality, with more in it.
func host(personality, more string) string {
	return `{"system": {"personality": {"name": "` + personality + `"},
"os": {"distribution": {"name": "sl"}, "version": {"name": "7x"}, "architecture": "x86_64"}},
"more": [` + more + `]}`
}

// once is one run.
func once(t *testing.T, o Options) ([]change.Row, error) {
	t.Helper()
	p, err := Make(t.Context(), o)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	err = p.Apply(t.Context(), report.Discard)
	return p.Rows(), err
}

// sends runs once, which has to go well, and returns the images that were sent.
func sends(t *testing.T, o Options) []string {
	t.Helper()
	if _, err := once(t, o); err != nil {
		t.Fatal(err)
	}
	return subjects(drain(t, o.Sink))
}

func subjects(messages []queue.Message) []string {
	names := []string{}
	for _, m := range messages {
		names = append(names, m.Subject)
	}
	slices.Sort(names)
	return names
}

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, expected %q", what, got, want)
	}
}
