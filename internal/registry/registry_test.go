package registry_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

func writeCertificate(t *testing.T, file string, c *x509.Certificate) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTagsComeInPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.put(func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		switch r.URL.Query().Get("last") {
		case "":
			rw.Header().Set("Link", `</v2/ns/a/tags/list?last=three>; rel="next"`)
			_, _ = io.WriteString(rw, `{"name":"ns/a","tags":["one","two","three"]}`)
		case "three":
			rw.Header().Set("Link", `</v2/ns/a/tags/list?last=five>;rel=next`)
			_, _ = io.WriteString(rw, `{"name":"ns/a","tags":["four","five"]}`)
		default:
			_, _ = io.WriteString(rw, `{"name":"ns/a","tags":null}`)
		}
		return true
	})
	tags, err := client(t, registry.Options{}).Tags(t.Context(), w.host, "ns/a")
	if err != nil || strings.Join(tags, " ") != "one two three four five" {
		t.Errorf("%v, %v", tags, err)
	}
}

// Each answer is refused in a clear word, within bounds.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	manifest := func(media, text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", media)
			_, _ = io.WriteString(rw, text)
		}
	}
	const docker = "application/vnd.docker.distribution.manifest.v2+json"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a page in place of a manifest": {manifest("text/html", "<html>sign in</html>"), `answered with "text/html", not with a manifest`},
		"no JSON":                       {manifest(docker, "x"), "not JSON"},
		"another schema":                {manifest(docker, `{"schemaVersion":1}`), "a manifest of schema 1"},
		"a digest of another kind":      {manifest(docker, `{"schemaVersion":2,"config":{"digest":"md5:00"}}`), "only sha256 and sha512"},
		"a path for a digest":           {manifest(docker, `{"schemaVersion":2,"config":{"digest":"sha256:../../x"}}`), "is no digest"},
		"a negative size": {
			manifest(docker, `{"schemaVersion":2,"config":{"digest":"sha256:`+strings.Repeat("0", 64)+`","size":-1}}`), "has a size of -1",
		},
		"a size that sums can't take": {
			manifest(docker, `{"schemaVersion":2,"config":{"digest":"sha256:`+strings.Repeat("0", 64)+`","size":9223372036854775807}}`),
			"has a size of 9223372036854775807",
		},
		"100 MB": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", docker)
			for range 100 {
				if _, err := rw.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, "too large: it has more than 4 MiB"},
		"a header without end": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X", strings.Repeat("x", 1<<20))
		}, "header"},
		"a redirect in a circle": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, r.URL.Path, http.StatusFound)
		}, "too many redirects in a row"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.put(func(rw http.ResponseWriter, r *http.Request) bool { c.answer(rw, r); return true })
			_, err := client(t, registry.Options{Retries: -1}).Manifest(t.Context(), w.image)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 1000 {
				t.Errorf("%v, which should say %q", err, c.want)
			}
		})
	}
}

func TestListsWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(n int32) string{
		"in a circle": func(int32) string { return "x" },
		"ever new":    func(n int32) string { return fmt.Sprint(n) },
	} {
		w := start(t)
		var n atomic.Int32
		page := `{"tags":["` + strings.Repeat(`t","`, 200) + `t"]}`
		w.put(func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.Header().Set("Link", `</v2/ns/a/tags/list?last=`+next(n.Add(1))+`>; rel="next"`)
			_, _ = io.WriteString(rw, page)
			return true
		})
		_, err := client(t, registry.Options{}).Tags(t.Context(), w.host, "ns/a")
		if err == nil || !strings.Contains(err.Error(), "goes in a circle") && !strings.Contains(err.Error(), "more than 1000000") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := start(t)
	var n atomic.Int32
	w.put(func(rw http.ResponseWriter, _ *http.Request) bool {
		if n.Add(1) > 1 {
			return false
		}
		rw.Header().Set("Retry-After", "1")
		rw.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	began := time.Now()
	if _, found, err := client(t, registry.Options{}).Head(t.Context(), w.image); err != nil || !found {
		t.Errorf("%v, %v", found, err)
	}
	if waited := time.Since(began); waited < time.Second {
		t.Errorf("it waited only %s", waited)
	}
	n.Store(0)
	w.put(func(rw http.ResponseWriter, _ *http.Request) bool {
		n.Add(1)
		rw.Header().Set("Retry-After", "86400")
		rw.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	if _, _, err := client(t, registry.Options{}).Head(t.Context(), w.image); !fault.Is(err, fault.Unavailable) || n.Load() != 1 {
		t.Errorf("a registry that wants a day: %v after %d requests", err, n.Load())
	}
}

func TestAMissingImageAndAClosedRegistry(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := client(t, registry.Options{Retries: -1})
	if _, found, err := c.Head(t.Context(), w.image.With("missing")); found || err != nil {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := c.Manifest(t.Context(), w.image.With("missing")); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	w.server.Close()
	if _, _, err := c.Head(t.Context(), w.image); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), w.host) {
		t.Errorf("%v", err)
	}
}

// nobody is a host where nobody listens.
const nobody = "127.0.0.1:1"

// TLS is given up for nobody, whatever is wrong with it.
func TestTLSIsNotGivenUp(t *testing.T) {
	t.Parallel()
	plain := start(t)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) }))
	t.Cleanup(secure.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writeCertificate(t, ca, secure.Certificate())
	for name, c := range map[string]struct{ mirror, ca, want string }{
		"no TLS at all":           {"https://" + plain.host, "", "HTTP response to HTTPS client"},
		"an unknown authority":    {secure.URL, "", "unknown authority"},
		"a name of somebody else": {strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), ca, "not localhost"},
		"all is well":             {secure.URL, ca, "answered 404"},
	} {
		o := registry.Options{Mirrors: map[string][]string{nobody: {c.mirror}}, Retries: -1, CAFile: c.ca}
		_, err := client(t, o).Manifest(t.Context(), registry.Image{Host: nobody, Repository: "ns/a", Identifier: "1"})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, which should say %q", name, err, c.want)
		}
	}
	if _, err := registry.New(registry.Options{Mirrors: map[string][]string{"a": {"ftp://x"}}}); !fault.Is(err, fault.Usage) {
		t.Errorf("a mirror by ftp: %v", err)
	}
	missing := registry.Options{CAFile: filepath.Join(t.TempDir(), "none")}
	if _, _, err := client(t, missing).Head(t.Context(), plain.image); !fault.Is(err, fault.Usage) {
		t.Errorf("a CA file that isn't there: %v", err)
	}
}

// Whether a registry on loopback has TLS is found out once, without a login. One that has to have TLS isn't
// asked about it.
func TestTLSIsLookedForOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	answer := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		user, _, _ := r.BasicAuth()
		got = append(got, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+user))
		switch {
		case r.URL.Path == "/v2/":
		case user == "":
			rw.Header().Set("Www-Authenticate", `Basic realm="x"`)
			rw.WriteHeader(http.StatusUnauthorized)
		default:
			rw.WriteHeader(http.StatusNotFound)
		}
	})
	secure, plain := httptest.NewTLSServer(answer), httptest.NewServer(answer)
	t.Cleanup(secure.Close)
	t.Cleanup(plain.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writeCertificate(t, ca, secure.Certificate())
	login := registry.Login{User: "u", Password: "p"}
	host := strings.TrimPrefix(secure.URL, "https://")
	for _, c := range []struct {
		name, host string
		o          registry.Options
		probe      string
	}{
		{"a certificate of nobody's", host, registry.Options{}, "GET /v2/,"},
		{"no TLS", strings.TrimPrefix(plain.URL, "http://"), registry.Options{}, ""},
		{"TLS is required", nobody, registry.Options{Mirrors: map[string][]string{nobody: {secure.URL}}, CAFile: ca}, ""},
	} {
		got = nil
		c.o.Logins, c.o.Retries = map[string]registry.Login{c.host: login, host: login}, -1
		asks := client(t, c.o)
		for range 2 {
			_, _ = asks.Manifest(t.Context(), registry.Image{Host: c.host, Repository: "a", Identifier: "1"})
		}
		want := c.probe + "GET /v2/a/manifests/1,GET /v2/a/manifests/1 u,GET /v2/a/manifests/1 u"
		if text := strings.Join(got, ","); text != want {
			t.Errorf("%s: it was asked %s; want %s", c.name, text, want)
		}
	}
}

// Docker Hub's registry has another name than its images.
func TestDockerHubsAddress(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io", "192.0.2.1:8787": "192.0.2.1:8787",
	} {
		if got := registry.Address(name); got != want {
			t.Errorf("%s is at %s, not at %s", name, got, want)
		}
	}
}

func TestAMirrorComesFirst(t *testing.T) {
	t.Parallel()
	mirror := start(t)
	image := registry.Image{Host: "docker.io", Repository: "ns/a", Identifier: "1"}
	c := client(t, registry.Options{Mirrors: map[string][]string{"docker.io": {mirror.server.URL + "/"}}})
	if d, found, err := c.Head(t.Context(), image); err != nil || !found || d.Digest != mirror.digest {
		t.Errorf("%+v, %v, %v", d, found, err)
	}
}

// A mirror of several registries has each below a path, with or without a slash at its end.
func TestAMirrorBelowAPath(t *testing.T) {
	t.Parallel()
	mirror := start(t)
	var elsewhere atomic.Int32
	below := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, "/registry-1.docker/v2/ns/a/")
		if !ok {
			elsewhere.Add(1)
			http.NotFound(rw, r)
			return
		}
		http.Redirect(rw, r, mirror.server.URL+"/v2/ns/a/"+path, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(below.Close)
	for _, end := range []string{"", "/"} {
		c := client(t, registry.Options{Mirrors: map[string][]string{"docker.io": {below.URL + "/registry-1.docker" + end}}})
		m, err := c.Manifest(t.Context(), registry.Image{Host: "docker.io", Repository: "ns/a", Identifier: "1"})
		if err != nil || m.Digest != mirror.digest || elsewhere.Load() > 0 {
			t.Errorf("%q: %+v, %v; %d requests were outside of the path", end, m, err, elsewhere.Load())
		}
	}
}

func TestConfigChecksItsDigest(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := client(t, registry.Options{})
	if _, m, err := c.Config(t.Context(), w.image); err != nil || m.Digest != w.digest {
		t.Fatalf("%v", err)
	}
	w.put(func(rw http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/blobs/") {
			_, _ = io.WriteString(rw, `{"config":{"Labels":{"a":"forged"}}}`)
			return true
		}
		return false
	})
	if _, _, err := c.Config(t.Context(), w.image); err == nil || !strings.Contains(err.Error(), "corrupt") {
		t.Errorf("%v", err)
	}
}

func TestABlobThatNeverEndsIsCutOff(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.put(func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		for {
			if _, err := rw.Write(make([]byte, 1<<16)); err != nil {
				return true
			}
		}
	})
	d := registry.Descriptor{Digest: "sha256:" + strings.Repeat("0", 64), Size: 1 << 20}
	body, err := client(t, registry.Options{}).Blob(t.Context(), w.host, "ns/a", d)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	n, err := io.Copy(io.Discard, body)
	if err == nil || errors.Is(err, io.EOF) || n > d.Size {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// What a registry redirects to may be signed: the signature stays out of messages. And no transport
// may unpack a blob on its way.
func TestBlobsElsewhere(t *testing.T) {
	t.Parallel()
	w := start(t)
	var encoding atomic.Value
	w.put(func(rw http.ResponseWriter, r *http.Request) bool {
		encoding.Store(r.Header.Get("Accept-Encoding"))
		rw.Header().Set("Location", "ftp://cdn.example/blob?sig=secret-word")
		if strings.Contains(r.URL.Path, "/loop/") {
			rw.Header().Set("Location", r.URL.Path+"?sig=secret-word")
		}
		rw.WriteHeader(http.StatusTemporaryRedirect)
		return true
	})
	d := registry.Descriptor{Digest: "sha256:" + strings.Repeat("0", 64), Size: 1}
	for _, repository := range []string{"ns/a", "loop/a"} {
		_, err := client(t, registry.Options{Retries: -1}).Blob(t.Context(), w.host, repository, d)
		if !fault.Is(err, fault.Forbidden) || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%v", err)
		}
	}
	if encoding.Load() != "identity" {
		t.Errorf("the encoding %q is accepted", encoding.Load())
	}
}
