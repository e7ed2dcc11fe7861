package change_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// watched are profiles of a server.
var watched = []string{"a.json", "b.json", "c.json", "d.json", "e.json", "f.json"}

// watching asks for builds of the images of the profiles.
var watching = changetest.Subject{
	Name: "watch",
	World: func(t *testing.T) *changetest.World {
		r, dir := &registries{}, t.TempDir()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			then, after := r.note(q)
			if then != nil && !after {
				then()
				panic(http.ErrAbortHandler)
			}
			profiles(w, q)
			if then != nil {
				then()
			}
		}))
		t.Cleanup(server.Close)
		file := filepath.Join(dir, "config.ini")
		text := fmt.Sprintf("[cdb2rabbit]\nPROFILE_INFO_URL = %s/index.xml\nPROFILE_DIR_URL = %[1]s\nCACHE_DIR = cache\n"+
			"PROFILE_MATCH = .json\n[imgctl]\nQUEUE_FILE = queue.db\nFIRST_RUN = build-all\n", server.URL)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return &changetest.World{Servers: r, Arg: file, State: func() string { return queued(t, filepath.Join(dir, "queue.db")) }}
	},
	Plan: func(ctx context.Context, _, file string) (change.Plan, error) {
		c, err := config.Read(file)
		if err != nil {
			return nil, err
		}
		return watch.Make(ctx, watch.Options{
			Index: c.Index, Profiles: c.Profiles, Match: c.Match, Cache: c.Cache, BuildAll: true, Sink: watch.Sink{Open: c.OpenQueue},
		})
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		return []string{"factory", "watch", "--config", w.Arg}
	}, []string{"profile", "change", "image", "state", "problem"})},
}

func profiles(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path == "/index.xml" {
		for _, name := range watched {
			_, _ = fmt.Fprintf(w, "<profile mtime='1'>%s</profile>", name)
		}
		return
	}
	_, _ = fmt.Fprintf(w, `{"system": {"personality": {"name": %q}, "os": {"distribution": {"name": "sl"}, "version": {"name": "7x"},
		"architecture": "x86_64"}}}`, strings.Trim(q.URL.Path, "/"))
}

// queued are the images that the queue has requests for; how often doesn't matter.
func queued(t *testing.T, file string) string {
	t.Helper()
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return ""
	}
	q, err := queue.OpenFile(t.Context(), file, queue.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	var images []string
	for _, personality := range watched {
		n, err := q.Newest(t.Context(), "sl7x-x86_64 "+personality)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			images = append(images, personality)
		}
	}
	return strings.Join(images, " ")
}
