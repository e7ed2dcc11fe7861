package registry_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

func TestTokensAreAskedForOncePerScope(t *testing.T) {
	t.Parallel()
	w, s := start(t), issue(t, "u", "secret-word")
	s.access, s.life = true, 300
	w.put(s.guard)
	c := client(t, registry.Options{Logins: map[string]registry.Login{w.host: {User: "u", Password: "secret-word"}}})
	for range 3 {
		if d, found, err := c.Head(t.Context(), w.image); err != nil || !found || d.Digest != w.digest {
			t.Fatalf("%+v, %v, %v", d, found, err)
		}
	}
	if !slices.Equal(s.asked, []string{"u repository:ns/a:pull"}) {
		t.Errorf("tokens were asked for: %q", s.asked)
	}
	if _, err := c.Mount(t.Context(), w.host, "other", w.digest, "ns/a"); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(s.asked, "u repository:other:pull,push repository:ns/a:pull") {
		t.Errorf("to mount, this was asked for: %q", s.asked)
	}
}

func TestATokenThatIsNoLongerValidIsRenewed(t *testing.T) {
	t.Parallel()
	w, s := start(t), issue(t, "", "")
	w.put(s.guard)
	c := client(t, registry.Options{})
	for range 3 {
		if _, _, err := c.Head(t.Context(), w.image); err != nil {
			t.Fatal(err)
		}
		s.revoke()
	}
	if len(s.asked) != 3 {
		t.Errorf("%d tokens were asked for", len(s.asked))
	}
}

func TestAWrongPasswordIsForbiddenAndNotShown(t *testing.T) {
	t.Parallel()
	w, s := start(t), issue(t, "u", "right")
	w.put(s.guard)
	c := client(t, registry.Options{Logins: map[string]registry.Login{w.host: {User: "u", Password: "secret-word"}}})
	_, _, err := c.Head(t.Context(), w.image)
	if !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), `wrong password; it doesn't accept the login of user "u"`) || strings.Contains(err.Error(), "secret-word") {
		t.Errorf("%v", err)
	}
	if len(s.asked) > 3 {
		t.Errorf("the token service was asked %d times", len(s.asked))
	}
}

func TestBasic(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.put(func(rw http.ResponseWriter, r *http.Request) bool {
		if user, pass, _ := r.BasicAuth(); user == "u" && pass == "p" {
			return false
		}
		rw.Header().Set("Www-Authenticate", `Basic realm="x"`)
		rw.WriteHeader(http.StatusUnauthorized)
		return true
	})
	c := client(t, registry.Options{Logins: map[string]registry.Login{w.host: {User: "u", Password: "p"}}})
	if _, found, err := c.Head(t.Context(), w.image); err != nil || !found {
		t.Errorf("%v, %v", found, err)
	}
	_, _, err := client(t, registry.Options{}).Head(t.Context(), w.image)
	if !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "without a login; registries also answer so") {
		t.Errorf("without a login: %v", err)
	}
	c = client(t, registry.Options{Logins: map[string]registry.Login{w.host: {User: "u", Password: "wrong"}}})
	_, _, err = c.Head(t.Context(), w.image)
	if !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), `it doesn't accept the login of user "u"`) {
		t.Errorf("with a wrong password: %v", err)
	}
}

// A registry that refuses without saying how to sign in gets nothing.
func TestARefusalWithoutAChallenge(t *testing.T) {
	t.Parallel()
	w := start(t)
	var got []string
	w.put(func(rw http.ResponseWriter, r *http.Request) bool {
		got = append(got, r.Header.Get("Authorization"))
		rw.WriteHeader(http.StatusUnauthorized)
		return true
	})
	c := client(t, registry.Options{Logins: map[string]registry.Login{w.host: {User: "u", Password: "p"}}})
	_, err := c.Manifest(t.Context(), w.image)
	if !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "an image that doesn't exist") {
		t.Errorf("%v", err)
	}
	if secrets := strings.Join(got, ""); secrets != "" {
		t.Errorf("it got %q", got)
	}
}

// Podman's files name registries, namespaces and repositories; the longest counts.
func TestLoginsOfPodmansFile(t *testing.T) {
	t.Parallel()
	w := start(t)
	var users []string
	w.put(func(rw http.ResponseWriter, r *http.Request) bool {
		user, _, ok := r.BasicAuth()
		if !ok {
			rw.Header().Set("Www-Authenticate", `Basic realm="x"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return true
		}
		users = append(users, user)
		return false
	})
	file := filepath.Join(t.TempDir(), "auth.json")
	// b25lOnA= is one:p, dHdvOnA= is two:p.
	text := `{"auths": {"` + w.host + `": {"auth": "b25lOnA="}, "` + w.host + `/ns": {"auth": "dHdvOnA="}}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := client(t, registry.Options{LoginFiles: &registry.LoginFiles{Named: file}})
	for _, repository := range []string{"ns/a", "other/a"} {
		if _, _, err := c.Head(t.Context(), registry.Image{Host: w.host, Repository: repository, Identifier: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(users, []string{"two", "one"}) {
		t.Errorf("the users were %v", users)
	}
}

// Nothing that belongs to one host may reach another: not by a redirect, not by a Location, not by a
// link, not by the same repository at another registry.
func TestNothingSecretReachesAnotherHost(t *testing.T) {
	t.Parallel()
	w, s := start(t), issue(t, "u", "p")
	var mu sync.Mutex
	var got []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Header.Get("Authorization")+r.Header.Get("Cookie"))
		_, _ = io.WriteString(rw, "elsewhere")
	}))
	t.Cleanup(elsewhere.Close)
	other := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1) // another host also by name
	w.put(func(rw http.ResponseWriter, r *http.Request) bool {
		switch {
		case s.guard(rw, r):
		case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/"):
			http.Redirect(rw, r, other+"/blob", http.StatusTemporaryRedirect)
		case r.Method == http.MethodPost:
			rw.Header().Set("Location", other+"/upload")
			rw.WriteHeader(http.StatusAccepted)
		case strings.HasSuffix(r.URL.Path, "/tags/list"):
			if r.URL.RawQuery != "" {
				_, _ = io.WriteString(rw, `{"tags": ["2"]}`)
				return true
			}
			rw.Header().Set("Link", "<"+other+"/v2/ns/a/tags/list?last=1>; rel=\"next\"")
			_, _ = io.WriteString(rw, `{"tags": ["1"]}`)
		default:
			return false
		}
		return true
	})
	c := client(t, registry.Options{Logins: map[string]registry.Login{w.host: {User: "u", Password: "p"}}})
	d := registry.Descriptor{Digest: "sha256:" + strings.Repeat("0", 64), Size: 9}
	if body, err := c.Blob(t.Context(), w.host, "ns/a", d); err == nil {
		_, _ = io.Copy(io.Discard, body)
		body.Close()
	}
	_ = c.Upload(t.Context(), w.host, "ns/a", d, strings.NewReader("elsewhere"))
	if tags, err := c.Tags(t.Context(), w.host, "ns/a"); err != nil || len(tags) != 2 {
		t.Errorf("%v, %v: the second page is read at the registry itself", tags, err)
	}
	_, _, _ = c.Head(t.Context(), registry.Image{Host: strings.TrimPrefix(other, "http://"), Repository: "ns/a", Identifier: "1"})
	mu.Lock()
	defer mu.Unlock()
	if len(got) < 3 {
		t.Errorf("only %d requests came to the other host", len(got))
	}
	for n, secret := range got {
		if secret != "" {
			t.Errorf("request %d to the other host had %q", n, secret)
		}
	}
}

func TestATokenServiceWithoutTLSGetsNoPassword(t *testing.T) {
	t.Parallel()
	var got []string
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
	}))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Www-Authenticate", `Bearer realm="`+plain.URL+`",service="x"`)
		rw.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(secure.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writeCertificate(t, ca, secure.Certificate())
	host := strings.TrimPrefix(secure.URL, "https://")
	c := client(t, registry.Options{
		CAFile: ca, Logins: map[string]registry.Login{host: {User: "u", Password: "p"}},
		Mirrors: map[string][]string{nobody: {secure.URL}}, Retries: -1,
	})
	_, _, err := c.Head(t.Context(), registry.Image{Host: nobody, Repository: "a", Identifier: "1"})
	if err == nil || !strings.Contains(err.Error(), "has no TLS") || len(got) != 0 {
		t.Errorf("%v; the service without TLS got %q", err, got)
	}
}
