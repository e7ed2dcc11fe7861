package sync_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	gosync "sync"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// objects is an object store that anybody may read, as Swift is: paths below /v1/, their data and headers.
type objects struct {
	*httptest.Server
	mu       gosync.Mutex
	data     map[string]string
	header   map[string]map[string]string
	asked    []string
	override func(http.ResponseWriter, *http.Request) bool
}

func newObjects(t testing.TB) *objects {
	t.Helper()
	o := &objects{data: map[string]string{}, header: map[string]map[string]string{}}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *objects) put(path, data string, header map[string]string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.data[path], o.header[path] = data, header
}

func (o *objects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, r.Method+" "+r.URL.Path)
	if o.override != nil && o.override(w, r) {
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	data, found := o.data[path]
	if !found {
		http.NotFound(w, r)
		return
	}
	sum := md5.Sum([]byte(data))
	w.Header().Set("Etag", `"`+hex.EncodeToString(sum[:])+`"`)
	for k, v := range o.header[path] {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method == http.MethodGet {
		fmt.Fprint(w, data)
	}
}

// downloads are the images whose data was asked for.
func (o *objects) downloads() (paths []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range o.asked {
		if path, ok := strings.CutPrefix(a, "GET "); ok && strings.HasSuffix(path, ".raw") {
			paths = append(paths, path)
		}
	}
	return paths
}

func (o *objects) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = nil
}

// release makes a release of an image of Chameleon's store current.
func (o *objects) release(name, release, data string, more map[string]any) {
	manifest := map[string]any{"build-distro": "centos", "build-release": "9-stream", "build-variant": "base", "build-n": 5}
	maps.Copy(manifest, more)
	text, _ := json.Marshal(manifest)
	folder := "images/prod/versions/" + release + "/"
	o.put(folder+name+".manifest", string(text), nil)
	o.put(folder+name+".raw", data, nil)
	o.mu.Lock()
	current := map[string]string{}
	if text := o.data["images/prod/current"]; text != "" {
		_ = json.Unmarshal([]byte(text), &current)
	}
	o.mu.Unlock()
	current[name] = release
	text, _ = json.Marshal(current)
	o.put("images/prod/current", string(text), nil)
}

// world is a cloud and a store.
type world struct {
	*testing.T
	sandbox *sandbox.Cloud
	site    sync.Site
	*objects
	options sync.Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := sandboxtest.Start(t)
	w := &world{T: t, sandbox: s, site: siteOf(t, s, "admin"), objects: newObjects(t)}
	w.options = sync.Options{From: []sync.From{{Store: w.chameleon(), Visibility: glance.Public}}}
	return w
}

func siteOf(t *testing.T, s *sandbox.Cloud, entry string) sync.Site {
	t.Helper()
	site, err := sync.NewSite(cloudtest.Connect(t, s.CloudsYAML(), entry))
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func (w *world) chameleon() store.Store {
	return &store.Chameleon{Get: store.NewGetter(), Site: &store.ChameleonSite{
		Store: w.URL + "/v1", Container: "images", Scope: "prod", Type: "raw", Field: "chameleon-supported",
	}}
}

func (w *world) sync() (*sync.Plan, error) { return w.syncWithin(w.Context()) }

func (w *world) syncWithin(ctx context.Context) (*sync.Plan, error) {
	w.Helper()
	p, err := sync.NewPlan(ctx, w.site, w.options)
	if err != nil {
		return nil, err
	}
	return p, p.Apply(ctx, report.Discard)
}

func (w *world) mustSync() *sync.Plan {
	w.Helper()
	p, err := w.sync()
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// own are the project's images: those current under the name, and all others.
func (w *world) own(name string) (current, others []*glance.Image) {
	w.Helper()
	all, err := w.site.Images.Images(context.WithoutCancel(w.Context()), glance.Query{Owner: w.site.Project, BothHidden: true})
	if err != nil {
		w.Fatal(err)
	}
	for _, img := range all {
		switch {
		case promote.ClaimedName(img) != "":
		case img.Name == name && !img.Hidden:
			current = append(current, img)
		default:
			others = append(others, img)
		}
	}
	return current, others
}

// one checks that one image is current under the name, with the data, and returns it.
func (w *world) one(name, data string) *glance.Image {
	w.Helper()
	current, _ := w.own(name)
	if len(current) != 1 {
		w.Fatalf("%d images are current under %q:\n%s", len(current), name, glance.List(current))
	}
	sum := md5.Sum([]byte(data))
	if current[0].Checksum != hex.EncodeToString(sum[:]) {
		w.Errorf("image %s has other data", current[0])
	}
	return current[0]
}
