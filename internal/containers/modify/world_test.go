package modify_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	server "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// world is a registry with an image that runs as nova, the folder of a Dockerfile, and what was said.
type world struct {
	t       *testing.T
	host    string
	context string
	o       modify.Options
	c       *registry.Client

	mu       sync.Mutex
	requests []string
	instead  func(w http.ResponseWriter, r *http.Request, next http.Handler) bool
	said     []string
}

// start makes a world; its image is ns/nova-compute:1.
func start(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, context: t.TempDir()}
	inner := server.New(server.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, r.Method+" "+r.URL.Path)
		instead := w.instead
		w.mu.Unlock()
		if instead == nil || !instead(rw, r, inner) {
			inner.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(s.Close)
	w.host = strings.TrimPrefix(s.URL, "http://")
	var err error
	if w.c, err = registry.New(registry.Options{Retries: -1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.c.Close)
	w.o = modify.Options{Scratch: t.TempDir()}
	w.push("ns/nova-compute:1", image(t, v1.Config{
		User: "nova", WorkingDir: "/var/lib/nova", Env: []string{"PATH=/usr/bin"}, Cmd: []string{"nova-compute"},
		Labels: map[string]string{"rdo_version": "1"},
	}))
	return w
}

// tree is the root of the tests' images: usr-merged, with a user.
var tree = []*tar.Header{
	{Typeflag: tar.TypeDir, Name: "usr/bin/", Mode: 0o755},
	{Typeflag: tar.TypeSymlink, Name: "bin", Linkname: "usr/bin"},
	{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755},
	{Typeflag: tar.TypeDir, Name: "etc/nova/", Mode: 0o750, Gid: 162, PAXRecords: map[string]string{"SCHILY.xattr.user.x": "y"}},
	{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644, Linkname: "root:x:0:0::/:\nnova:x:162:162::/:\n"},
	{Typeflag: tar.TypeReg, Name: "etc/group", Mode: 0o644, Linkname: "root:x:0:\nkolla:x:42400:\n"},
}

// image is one of the tree, whose files have their texts as link names.
func image(t *testing.T, config v1.Config) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range tree {
		one := *h
		one.ModTime = time.Unix(1e9, 0)
		text := ""
		if one.Typeflag == tar.TypeReg {
			text, one.Linkname, one.Size = one.Linkname, "", int64(len(one.Linkname))
		}
		if err := w.WriteHeader(&one); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	made, err := mutate.AppendLayers(empty.Image, layer)
	if err == nil {
		made, err = mutate.Config(made, config)
	}
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (w *world) ref(text string) name.Reference {
	w.t.Helper()
	ref, err := name.ParseReference(w.host + "/" + text)
	if err != nil {
		w.t.Fatal(err)
	}
	return ref
}

func (w *world) push(text string, image v1.Image) {
	w.t.Helper()
	if err := ggcr.Write(w.ref(text), image); err != nil {
		w.t.Fatal(err)
	}
}

// get reads an image back, to its last byte.
func (w *world) get(text string) v1.Image {
	w.t.Helper()
	got, err := ggcr.Image(w.ref(text))
	if err == nil {
		err = validate.Image(got)
	}
	if err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
	return got
}

func (w *world) config(text string) *v1.ConfigFile {
	w.t.Helper()
	config, err := w.get(text).ConfigFile()
	if err != nil {
		w.t.Fatal(err)
	}
	return config
}

// has reports whether there is such a tag.
func (w *world) has(text string) bool {
	_, err := ggcr.Head(w.ref(text))
	return err == nil
}

// files writes files into the build context.
func (w *world) files(all map[string]string) {
	w.t.Helper()
	for name, text := range all {
		file := filepath.Join(w.context, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) parse(text string) reference.Reference {
	w.t.Helper()
	r, err := reference.Parse(w.host + "/" + text)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// job changes ns/NAME to mine/NAME with -x added to the tag.
func (w *world) job(image string, vars map[string]any) modify.Job {
	if vars == nil {
		vars = map[string]any{"modify_dir_path": w.context}
	}
	return modify.Job{
		Source: w.parse("ns/" + image), Copy: w.parse("mine/" + image), Target: w.parse("mine/" + image + "-x"),
		Role: modify.Role, AppendTag: "-x", Vars: vars, At: "site.yaml:3:5",
	}
}

// plan plans the jobs.
func (w *world) plan(jobs ...modify.Job) *modify.Plan {
	w.t.Helper()
	p, err := modify.NewPlan(w.t.Context(), w.c, nil, jobs, w.o, transfer.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := p.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return p
}

// apply plans and applies.
func (w *world) apply(jobs ...modify.Job) (*modify.Plan, error) {
	w.t.Helper()
	p := w.plan(jobs...)
	return p, p.Apply(w.t.Context(), w)
}

// Step keeps what is said.
func (w *world) Step(format string, args ...any) { w.say("", format, args...) }

// Warn keeps what is said.
func (w *world) Warn(format string, args ...any) { w.say("warning: ", format, args...) }

// Progress is nothing here.
func (w *world) Progress(string, int64, int64) {}

func (w *world) say(prefix, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, prefix+fault.Sprintf(fault.Neutral, format, args...))
}

// heard reports whether that was said.
func (w *world) heard(part string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(strings.Join(w.said, "\n"), part)
}

// writes are the requests that change the registry.
func (w *world) writes() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if !strings.HasPrefix(r, http.MethodGet) && !strings.HasPrefix(r, http.MethodHead) {
			all = append(all, r)
		}
	}
	return all
}

func (w *world) rule(f func(rw http.ResponseWriter, r *http.Request, next http.Handler) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.instead, w.requests = f, nil
}

// top is what the uppermost layer has: by name, with mode, owner, and text or target.
func (w *world) top(text string) map[string]string {
	w.t.Helper()
	layers, err := w.get(text).Layers()
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := layers[len(layers)-1].Uncompressed()
	if err != nil {
		w.t.Fatal(err)
	}
	defer body.Close()
	all := map[string]string{}
	r := tar.NewReader(body)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			w.t.Fatal(err)
		}
		content, _ := io.ReadAll(r)
		all[h.Name] = fmt.Sprintf("%c %o %d:%d %s%s", h.Typeflag, h.Mode&0o7777, h.Uid, h.Gid, content, h.Linkname)
	}
}

// plan plans and applies the one change, whichever of both fails.
func plan(w *world, vars map[string]any) (*modify.Plan, error) {
	p, err := modify.NewPlan(w.t.Context(), w.c, nil, []modify.Job{w.job("nova-compute:1", vars)}, w.o, transfer.Options{})
	if err == nil {
		err = p.Apply(w.t.Context(), w)
	}
	return p, err
}
