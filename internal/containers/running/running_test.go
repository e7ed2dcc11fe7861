package running_test

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/running"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// engine answers as podman's socket does.
func engine(t *testing.T, answer func(w http.ResponseWriter)) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") //nolint:usetesting // sockets need a short name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "podman.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/containers/json") {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			answer(w)
		}),
	}}
	s.Start()
	t.Cleanup(s.Close)
	return socket
}

func TestContainersAreComparedWithTheRegistry(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	ids := map[string]string{}
	for _, tag := range []string{"old", "new"} {
		image, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := crane.Push(image, host+"/ns/nova:"+tag); err != nil {
			t.Fatal(err)
		}
		id, err := image.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		ids[tag] = id.String()
	}
	socket := engine(t, func(w http.ResponseWriter) {
		_ = json.NewEncoder(w).Encode([]map[string]any{
			{"Names": []string{"/nova_api"}, "Image": host + "/ns/nova:old", "ImageID": ids["old"]},
			{"Names": []string{"nova_new"}, "Image": host + "/ns/nova:new", "ImageID": strings.TrimPrefix(ids["new"], "sha256:")},
			{"Names": []string{"other"}, "Image": host + "/ns/other:1", "ImageID": ids["old"]},
		})
	})
	containers, err := running.Containers(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	c, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	want, err := reference.Parse(host + "/ns/nova:new")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, one := range running.Compare(t.Context(), c, containers, []reference.Reference{want}) {
		got[one.Name] = one.Current
	}
	if len(got) != 2 || got["nova_api"] || !got["nova_new"] {
		t.Errorf("compared with the new image: %v", got)
	}
	states := map[string]string{}
	for _, one := range running.Compare(t.Context(), c, containers, nil) {
		states[one.Name] = map[bool]string{true: "current", false: "stale"}[one.Current]
		if one.Err != nil {
			states[one.Name] = "unknown"
		}
	}
	if states["nova_api"] != "current" || states["nova_new"] != "current" || states["other"] != "unknown" {
		t.Errorf("compared with their own images: %v", states)
	}
}

func TestEnginesThatFail(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter){
		"an error": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"no list":  func(w http.ResponseWriter) { _, _ = io.WriteString(w, "{}") },
	} {
		if _, err := running.Containers(t.Context(), engine(t, answer)); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := running.Containers(t.Context(), filepath.Join(t.TempDir(), "none")); !fault.Is(err, fault.NotFound) {
		t.Errorf("no socket: %v", err)
	}
}
