package openstack

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// TestMain keeps the environment of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OS_") || strings.HasPrefix(name, "SDK_") {
			os.Unsetenv(name)
		}
	}
	log.SetOutput(io.Discard)
	remindEvery = 20 * time.Millisecond
	claimTime = 300 * time.Millisecond
	cache, err := os.MkdirTemp("", "imgctl-test")
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("XDG_CACHE_HOME", cache)
	code := m.Run()
	os.RemoveAll(cache)
	os.Exit(code)
}

// world is a sandbox to build in, seen by the project that builds.
type world struct {
	*sandbox.Cloud
	t       *testing.T
	options map[string]any // enough for a build without communicator
	source  string         // id of the source image
	look    *build         // clients to look around with, which suffer from no build
}

func newWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	sb := sandboxtest.Start(t, o)
	source, err := sb.AddImage(sandbox.Image{
		Name: "debian-12", Visibility: "public", DiskFormat: "raw", MinRAM: 64,
		Properties: map[string]string{"os_distro": "debian", "owner_specified.openstack.md5": "x", "hw_rng_model": "virtio"},
		Project:    "admin", Data: []byte("a disk"),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Cloud: sb, t: t, source: source}
	w.options = with(w.login("demo"), map[string]any{
		"communicator": "none", "image_name": "web-base", "source_image": source, "flavor": "m1.tiny", "networks": []string{"private"},
		"poll_interval": "20ms",
	})
	w.look = w.connect("demo")
	return w
}

// login is how the options name one of the sandbox's clouds.
func (w *world) login(name string) map[string]any {
	return map[string]any{
		"identity_endpoint": w.URL() + "/identity/v3", "username": name, "password": w.Password(name),
		"domain_name": "Default", "tenant_name": name, "region": "RegionOne",
	}
}

func (w *world) connect(name string) *build {
	w.t.Helper()
	b := &build{config: &Config{}, report: discard{}}
	var err error
	if b.config.Access, err = cloudtest.Access(w.CloudsYAML(), name); err != nil {
		w.t.Fatal(err)
	}
	b.config.UseBlockStorageVolume = true
	if err := connect(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(b.cloud.Close)
	return b
}

type discard struct{}

func (discard) Step(string, ...any)           {}
func (discard) Warn(string, ...any)           {}
func (discard) Progress(string, int64, int64) {}

// hook is what provisions.
type hook func(context.Context, packersdk.Ui, packersdk.Communicator, any) error

func (h hook) Run(ctx context.Context, name string, ui packersdk.Ui, comm packersdk.Communicator, data any) error {
	if h == nil || name != packersdk.HookProvision {
		return nil
	}
	return h(ctx, ui, comm, data)
}

// said is a ui that keeps what it shows. Packer's own shares a filter with all others.
type said struct {
	packersdk.Ui
	mu  sync.Mutex
	buf strings.Builder
}

func (s *said) Say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.WriteString(text + "\n")
}

func (s *said) Message(text string) { s.Say(text) }
func (s *said) Error(text string)   { s.Say(text) }

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// preparing guards the list of secrets that all builders of a process share.
var preparing sync.Mutex

// build runs one build with more options on top. It gives what the ui showed.
func (w *world) build(ctx context.Context, more map[string]any, h hook) (packersdk.Artifact, string, error) {
	w.t.Helper()
	var b Builder
	preparing.Lock()
	_, _, err := b.Prepare(with(w.options, more))
	preparing.Unlock()
	if err != nil {
		w.t.Fatal(err)
	}
	out := &said{}
	artifact, err := b.Run(ctx, out, h)
	return artifact, out.String(), err
}

// image builds an image that has to succeed, and reads it.
func (w *world) image(more map[string]any, h hook) (*glance.Image, string) {
	w.t.Helper()
	artifact, out, err := w.build(w.t.Context(), more, h)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	img, err := w.look.images.Image(w.t.Context(), artifact.Id())
	if err != nil {
		w.t.Fatal(err)
	}
	w.leavesNothing(out)
	return img, out
}

// leavesNothing fails where a build left something behind.
func (w *world) leavesNothing(out string) {
	w.t.Helper()
	if left := w.left(); len(left) > 0 {
		w.t.Errorf("left behind: %s\n%s", strings.Join(left, ", "), out)
	}
}

// left is what is in the project that only a build can have left there.
func (w *world) left() []string {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	must := func(err error) {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	var left []string
	pages, err := servers.List(w.look.compute, nil).AllPages(ctx)
	must(err)
	all, err := servers.ExtractServers(pages)
	must(err)
	for _, s := range all {
		left = append(left, fmt.Sprintf("server %s (%s, %s)", s.ID, s.Status, s.TaskState))
	}
	pages, err = keypairs.List(w.look.compute, nil).AllPages(ctx)
	must(err)
	keys, err := keypairs.ExtractKeyPairs(pages)
	must(err)
	for _, k := range keys {
		left = append(left, "key pair "+k.Name)
	}
	pages, err = ports.List(w.look.network, ports.ListOpts{}).AllPages(ctx)
	must(err)
	allPorts, err := ports.ExtractPorts(pages)
	must(err)
	for _, p := range allPorts {
		if p.Name != "kept" {
			left = append(left, fmt.Sprintf("port %s (%s of %s)", p.ID, p.DeviceOwner, p.DeviceID))
		}
	}
	ips, err := neutron.FloatingIPs(ctx, w.look.network, floatingips.ListOpts{})
	must(err)
	for _, f := range ips {
		if f.Description != "kept" || f.PortID != "" {
			left = append(left, fmt.Sprintf("floating IP %s (%s)", f.FloatingIP, f.Description))
		}
	}
	pages, err = volumes.List(w.look.volume, nil).AllPages(ctx)
	must(err)
	vols, err := volumes.ExtractVolumes(pages)
	must(err)
	for _, v := range vols {
		left = append(left, fmt.Sprintf("volume %s (%s)", v.ID, v.Status))
	}
	for _, img := range w.ownImages() {
		_, unfinished := img.Properties[cloud.DeadlineKey]
		if unfinished || strings.HasPrefix(img.Name, "imgctl-") {
			left = append(left, "image "+img.String())
		}
	}
	return left
}

// ownImages are all images of the project that builds.
func (w *world) ownImages() []*glance.Image {
	w.t.Helper()
	own, err := w.look.images.Images(context.WithoutCancel(w.t.Context()), glance.Query{Owner: w.look.cloud.Project().ID, BothHidden: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return own
}

// named are the ids of the project's images of one name.
func (w *world) named(name string) []string {
	w.t.Helper()
	var ids []string
	for _, img := range w.ownImages() {
		if img.Name == name {
			ids = append(ids, img.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
