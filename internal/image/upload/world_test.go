package upload_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// world is a cloud whose project gets images.
type world struct {
	*testing.T
	sandbox *sandbox.Cloud
	images  *glance.Client
	project string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := sandboxtest.Start(t)
	c := cloudtest.Connect(t, s.CloudsYAML(), sandbox.DefaultCloud)
	sc, err := c.Image()
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, s, glance.New(sc), c.Project().ID}
}

func (w *world) stage(s upload.Source, change ...func(*upload.Options)) (*glance.Image, error) {
	w.Helper()
	o := upload.Options{Run: cloud.NewRun()}
	for _, c := range change {
		c(&o)
	}
	return upload.Stage(w.Context(), w.images, s, o, report.Discard)
}

func via(way string) func(*upload.Options) { return func(o *upload.Options) { o.Via = way } }

func unchecked(o *upload.Options) { o.Unchecked = true }

// left are the project's images.
func (w *world) left() []*glance.Image {
	w.Helper()
	found, err := w.images.Images(context.WithoutCancel(w.Context()), glance.Query{Owner: w.project, BothHidden: true})
	if err != nil {
		w.Fatal(err)
	}
	return found
}

func (w *world) empty() {
	w.Helper()
	if left := w.left(); len(left) > 0 {
		w.Errorf("images are left:\n%s", glance.List(left))
	}
}

// stored is the data that the service has.
func (w *world) stored(img *glance.Image) string {
	w.Helper()
	body, err := w.images.Download(w.Context(), img.ID)
	if err != nil {
		w.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		w.Fatal(err)
	}
	return string(data)
}

func file(t *testing.T, data string) upload.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return with(upload.File(path), data)
}

// with is the source with the right checksum.
func with(s upload.Source, data string) upload.Source {
	sum := sha256.Sum256([]byte(data))
	s.Sums = upload.Sums{"sha256": hex.EncodeToString(sum[:])}
	return s
}

func client() *http.Client {
	return &http.Client{Transport: outbound.New(outbound.Policy{MaxBody: -1, Leave: true})}
}

// disk is a raw disk's data, no two of whose pieces are the same.
func disk(size int) string {
	var b strings.Builder
	b.WriteString("\xeb\x63\x90 boot")
	for n := 0; b.Len() < size; n++ {
		fmt.Fprintf(&b, "%08d", n)
	}
	return b.String()[:size]
}

// serve is a web server.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/disk.img"
}
