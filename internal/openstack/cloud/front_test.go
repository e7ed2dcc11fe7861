package cloud_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// front is a server before the sandbox, as clouds have it: the catalog may lead to it, answers may
// be changed.
type front struct {
	*httptest.Server
	hook    func(w http.ResponseWriter, r *http.Request) bool // reports whether it answered
	rewrite func(r *http.Request, body string) string

	mu   sync.Mutex
	seen []string // method, path and whether a token came
}

func newFront(t *testing.T, sb *sandbox.Cloud, secure bool) *front {
	t.Helper()
	f := &front{}
	to, err := url.Parse(sb.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }} // with the sandbox's own name as its host
	proxy.ModifyResponse = func(r *http.Response) error {
		if f.rewrite == nil {
			return nil
		}
		body, err := io.ReadAll(r.Body)
		text := f.rewrite(r.Request, string(body))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(text))), int64(len(text))
		r.Header.Set("Content-Length", fmt.Sprint(len(text)))
		return err
	}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, fmt.Sprintf("%s %s token=%t", r.Method, r.URL.Path, r.Header.Get("X-Auth-Token") != ""))
		f.mu.Unlock()
		if f.hook == nil || !f.hook(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	if secure {
		f.StartTLS()
	} else {
		f.Start()
	}
	t.Cleanup(f.Close)
	return f
}

// catalog makes the token's catalog lead to the front, with the path put before each address.
func (f *front) catalog(sb *sandbox.Cloud, path string) {
	f.rewrite = func(r *http.Request, body string) string {
		if !strings.HasSuffix(r.URL.Path, "/auth/tokens") {
			return body
		}
		return strings.ReplaceAll(body, sb.URL(), f.URL+path)
	}
}

func (f *front) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.seen...)
}

func (f *front) auth() string { return f.URL + "/identity/v3" }
