package hotfix_test

import (
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/hotfix"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/installed"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
)

// server is a registry whose requests are counted and may be answered by something else.
type server struct {
	host string

	mu       sync.Mutex
	requests []string
	instead  func(n int, w http.ResponseWriter, r *http.Request, next http.Handler) bool
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{}
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
		n, instead := len(s.requests), s.instead
		s.mu.Unlock()
		if instead == nil || !instead(n, w, r, inner) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listener.Close)
	s.host = strings.TrimPrefix(listener.URL, "http://")
	return s
}

func (s *server) rule(f func(n int, w http.ResponseWriter, r *http.Request, next http.Handler) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.instead = nil, f
}

// asked counts the requests that begin with a method and have the part.
func (s *server) asked(method, part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if strings.HasPrefix(r, method+" ") && strings.Contains(r, part) {
			n++
		}
	}
	return n
}

func (s *server) ref(t *testing.T, text string) reference.Reference {
	t.Helper()
	r, err := reference.Parse(s.host + "/" + text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *server) push(t *testing.T, text string, image v1.Image) {
	t.Helper()
	ref, err := name.ParseReference(s.host + "/" + text)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
}

// pull gives an image, which has to be whole; nil if there is none.
func (s *server) pull(t *testing.T, text string) v1.Image {
	t.Helper()
	ref, err := name.ParseReference(s.host + "/" + text)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(ref)
	if err != nil {
		return nil
	}
	if err := validate.Image(image); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return image
}

// digest is an image's, "" if it isn't there.
func (s *server) digest(t *testing.T, text string) string {
	t.Helper()
	image := s.pull(t, text)
	if image == nil {
		return ""
	}
	d, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

func connect(t *testing.T) *registry.Client {
	t.Helper()
	c, err := registry.New(registry.Options{Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// nova is a package of that version, as an image and as a fix.
func nova(version string) rpmtest.Package {
	return rpmtest.Package{Name: "nova", Version: version, Files: []rpmtest.File{
		{Path: "/usr/lib/nova", Folder: true},
		{Path: "/usr/lib/nova/api.py", Content: version},
	}}
}

// images are a base, which has the package database, and two images on it that share all but a layer.
func images(t *testing.T, s *server) {
	t.Helper()
	root := rpmtest.NewRoot(t, rpmtest.Build(t, "", nova("1")))
	base := rpmtest.Layer(t, root)
	for _, one := range []string{"etc/passwd", "etc/group"} {
		s.push(t, "ns/nova-"+one[4:]+":17.1", rpmtest.Image(t, base, rpmtest.Layer(t, root, one)))
	}
}

func packages(t *testing.T, list ...rpmtest.Package) []*rpmfile.File {
	t.Helper()
	files, err := rpmfile.Folder(t.Context(), rpmtest.Build(t, "", list...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func run(t *testing.T, files []*rpmfile.File, jobs ...hotfix.Job) (*hotfix.Plan, error) {
	t.Helper()
	p := planned(t, files, jobs...)
	return p, p.Apply(t.Context(), quiet)
}

func planned(t *testing.T, files []*rpmfile.File, jobs ...hotfix.Job) *hotfix.Plan {
	t.Helper()
	p, err := hotfix.NewPlan(t.Context(), transfer.Registries(connect(t)), jobs, files, hotfix.Options{Append: "-fix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestTwoImagesIntoAnotherRegistry(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	source, target := serve(t), serve(t)
	images(t, source)
	source.rule(nil)
	files := packages(t, nova("2"))
	jobs := []hotfix.Job{
		{Source: source.ref(t, "ns/nova-passwd:17.1"), Target: target.ref(t, "ns/nova-passwd:17.1-fix")},
		{Source: source.ref(t, "ns/nova-group:17.1"), Target: target.ref(t, "ns/nova-group:17.1-fix")},
	}
	p, err := run(t, files, jobs...)
	if err != nil {
		t.Fatal(err)
	}
	for n, i := range p.Images {
		if i.State != hotfix.Changed || i.Digest != target.digest(t, jobs[n].Target.Path+":17.1-fix") {
			t.Errorf("%s is %s as %s", i.Target, i.State, i.Digest)
		}
		if i.Digest == "" {
			continue
		}
		config, err := target.pull(t, jobs[n].Target.Path+":17.1-fix").ConfigFile()
		if err != nil || config.Config.Labels[hotfix.Label] != "-fix" {
			t.Errorf("its labels are %v, %v", config.Config.Labels, err)
		}
	}
	for _, part := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if n := source.asked(part, ""); n > 0 {
			t.Errorf("the source was sent %d requests with %s", n, part)
		}
	}
	again, err := run(t, files, jobs...)
	if err != nil || !again.Done() {
		t.Errorf("a second run isn't done: %v %v", again.Rows(), err)
	}
}

func TestVerifyReadsTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	s := serve(t)
	root := rpmtest.NewRoot(t, rpmtest.Build(t, "", nova("1")))
	s.push(t, "ns/nova:17.1", rpmtest.Image(t, rpmtest.Layer(t, root, "etc"), rpmtest.Layer(t, root, "usr", "var"), rpmtest.Layer(t, root, "etc/group")))
	job := hotfix.Job{Source: s.ref(t, "ns/nova:17.1"), Target: s.ref(t, "ns/nova:17.1-fix")}
	if _, err := run(t, packages(t, nova("2")), job); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		tag, want string
		ok        bool
		layers    int
	}{
		{"17.1", "nova-2", false, 2},
		{"17.1", "nova", true, 2},
		{"17.1-fix", "nova-2-1", true, 1},
		{"17.1-fix", "nova-2-1.noarch", true, 1},
		{"17.1-fix", "nova>=1.5", true, 1},
		{"17.1-fix", "nova>=2.1", false, 1},
		{"17.1-fix", "nov", false, 1},
	} {
		w, err := installed.Parse(tt.want)
		if err != nil {
			t.Fatal(err)
		}
		images := []reference.Reference{s.ref(t, "ns/nova:"+tt.tag)}
		all, fetched, err := installed.Check(t.Context(), connect(t), images, []installed.Want{w})
		if err != nil || all[0].Err != nil {
			t.Fatal(err, all[0].Err)
		}
		if got := all[0]; got.Found[0].OK != tt.ok || got.Layers != tt.layers || fetched == 0 {
			t.Errorf("%s in %s: %+v", tt.want, tt.tag, got)
		}
	}
}

// TestFaults fails every request in turn: the target is then as before, or whole; the next run ends it.
func TestFaults(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	s := serve(t)
	images(t, s)
	files := packages(t, nova("2"))
	for _, fails := range []struct {
		name string
		do   func(w http.ResponseWriter, r *http.Request, next http.Handler)
	}{
		{"error", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusInternalServerError)
		}},
		{"lost response", func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}},
		{"refused", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusForbidden) }},
	} {
		for at := 1; ; at++ {
			tag := strings.ReplaceAll(fails.name, " ", "-") + string(rune('a'+at/26)) + string(rune('a'+at%26))
			job := hotfix.Job{Source: s.ref(t, "ns/nova-group:17.1"), Target: s.ref(t, "ns/other:"+tag)}
			failed := false
			s.rule(func(n int, w http.ResponseWriter, r *http.Request, next http.Handler) bool {
				if n == at {
					failed = true
					fails.do(w, r, next)
				}
				return n == at
			})
			p, err := hotfix.NewPlan(t.Context(), transfer.Registries(connect(t)), []hotfix.Job{job}, files, hotfix.Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = errors.Join(p.Apply(t.Context(), quiet), p.Close())
			s.rule(nil)
			got := s.digest(t, "ns/other:"+tag)
			if !failed {
				break
			}
			if err == nil && got == "" || got != "" && got != p.Images[0].Digest {
				t.Errorf("%s at %d: %v, and the image is %q", fails.name, at, err, got)
			}
			if _, err := run(t, files, job); err != nil || s.digest(t, "ns/other:"+tag) == "" {
				t.Errorf("%s at %d: the next run says %v", fails.name, at, err)
			}
		}
	}
}

// TestTwoRunsAtOnce has two runs with different packages plan from the same image: the second to store
// its result finds the first one's, and leaves it.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	s := serve(t)
	images(t, s)
	job := hotfix.Job{Source: s.ref(t, "ns/nova-group:17.1"), Target: s.ref(t, "ns/nova-group:17.1-fix")}
	one, two := planned(t, packages(t, nova("2")), job), planned(t, packages(t, nova("3")), job)
	if err := one.Apply(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	if err := two.Apply(t.Context(), quiet); !fault.Is(err, fault.Conflict) {
		t.Errorf("the second run says %v", err)
	}
	if got := s.digest(t, "ns/nova-group:17.1-fix"); got != one.Images[0].Digest {
		t.Errorf("the image is %s, and neither mixed nor the first one's %s", got, one.Images[0].Digest)
	}
}

// quiet says nothing.
var quiet = report.Log(slog.New(slog.DiscardHandler))
