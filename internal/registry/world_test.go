package registry_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// world is a registry behind whatever a test puts before it.
type world struct {
	host   string
	server *httptest.Server
	image  registry.Image // one that is there
	digest string

	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request) (answered bool)
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{}
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		before := w.before
		w.mu.Unlock()
		if before == nil || !before(rw, r) {
			inner.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(w.server.Close)
	w.host = strings.TrimPrefix(w.server.URL, "http://")
	image, err := random.Image(1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(w.host + "/ns/a:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	w.image, w.digest = registry.Image{Host: w.host, Repository: "ns/a", Identifier: "1"}, digest.String()
	return w
}

func (w *world) put(before func(w http.ResponseWriter, r *http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = before
}

func client(t *testing.T, o registry.Options) *registry.Client {
	t.Helper()
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// tokens is a token service, and what it protects takes only its tokens.
type tokens struct {
	url        string
	user, pass string
	life       int // of a token, in seconds; 0 isn't said
	access     bool

	mu     sync.Mutex
	issued map[string]string // scopes by token
	asked  []string          // each request's scopes and user
}

func issue(t *testing.T, user, pass string) *tokens {
	t.Helper()
	s := &tokens{user: user, pass: pass, issued: map[string]string{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, pass, _ := r.BasicAuth()
	scopes := strings.Join(r.URL.Query()["scope"], " ")
	s.asked = append(s.asked, user+" "+scopes)
	if s.user != "" && (user != s.user || pass != s.pass) {
		http.Error(w, `{"errors":[{"code":"DENIED","message":"wrong password"}]}`, http.StatusUnauthorized)
		return
	}
	text := fmt.Sprintf("token-%d", len(s.asked))
	s.issued[text] = scopes
	answer := map[string]any{"token": text}
	if s.access {
		answer = map[string]any{"access_token": text}
	}
	if s.life != 0 {
		answer["expires_in"] = s.life
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// guard refuses what has no valid token.
func (s *tokens) guard(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.issued[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]; ok {
		return false
	}
	w.Header().Set("Www-Authenticate", `Bearer realm="`+s.url+`/token",service="registry",scope="x"`)
	http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
	return true
}

// revoke makes all tokens worthless.
func (s *tokens) revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued = map[string]string{}
}
