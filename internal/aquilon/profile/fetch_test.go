package profile

import (
	"compress/gzip"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func TestReadFromAServer(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/web.json", http.StatusFound)
		case "/web.json":
			_, _ = w.Write([]byte(profile("web", "sl", "7x", "h", prod)))
		case "/forbidden":
			w.WriteHeader(http.StatusForbidden)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		case "/large":
			piece := []byte(strings.Repeat(" ", 1<<20))
			for range MaxSize>>20 + 1 {
				_, _ = w.Write(piece)
			}
		case "/slow":
			<-release
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })

	p, err := LoadProfile(t.Context(), server.URL+"/moved")
	if err != nil || p.Personality != "web" || p.Hostname != "h" {
		t.Errorf("got %+v, %v", p, err)
	}
	for path, want := range map[string]struct {
		kind fault.Kind
		text string
	}{
		"/missing":   {fault.NotFound, "/missing: the server answers 404 Not Found"},
		"/forbidden": {fault.Forbidden, "the server answers 403"},
		"/broken":    {fault.Unavailable, "the server answers 502"},
		"/cut":       {fault.Unavailable, "/cut: unexpected EOF"},
		"/large":     {fault.Usage, "/large: it is larger than 32 MiB"},
	} {
		_, err := LoadProfile(t.Context(), server.URL+path)
		wantError(t, err, want.kind, want.text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = LoadProfile(ctx, server.URL+"/slow")
	wantError(t, err, fault.Cancelled, "/slow: context canceled")

	secret := strings.Replace(server.URL, "http://", "http://ann:hunter2@", 1) + "/missing"
	_, err = LoadProfile(t.Context(), secret)
	wantError(t, err, fault.NotFound, "http://ann:xxxxx@")
	server.CloseClientConnections()
	_, err = LoadProfile(t.Context(), "http://127.0.0.1:1/x")
	wantError(t, err, fault.Unavailable, "reading http://127.0.0.1:1/x: dial tcp")
	_, err = LoadProfile(t.Context(), "http://[::1/x")
	wantError(t, err, fault.Usage, "missing ']'")
}

// A server may name another one, which then learns nothing, and can't fill the memory.
func TestReadFromAServerWithTricks(t *testing.T) {
	t.Parallel()
	var learned atomic.Value
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		learned.Store(r.Header.Get("Authorization") + r.Header.Get("Referer"))
		_, _ = w.Write([]byte(profile("web", "sl", "7x", "h", prod)))
	}))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		piece := make([]byte, 1<<20)
		for range MaxSize>>20 + 1 {
			_, _ = z.Write(piece)
		}
		_ = z.Close()
	}))
	t.Cleanup(server.Close)
	if _, err := LoadProfile(t.Context(), strings.Replace(server.URL, "//", "//ann:hunter2@", 1)+"/elsewhere"); err != nil ||
		learned.Load() != "" {
		t.Errorf("%v; the other server learned %q", err, learned.Load())
	}
	_, err := LoadProfile(t.Context(), server.URL+"/bomb")
	wantError(t, err, fault.Usage, "/bomb: it is larger than 32 MiB")
}

func TestReadAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	f, err := os.Create(large)
	if err == nil {
		err = f.Truncate(MaxSize + 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	_, err = Read(t.Context(), large)
	wantError(t, err, fault.Usage, "larger than 32 MiB")
	_, err = Read(t.Context(), filepath.Join(dir, "none"))
	wantError(t, err, fault.NotFound, "none: no such file")
	_, err = LoadSourceImages(t.Context(), dir)
	wantError(t, err, fault.Unavailable, "is a directory")
}
