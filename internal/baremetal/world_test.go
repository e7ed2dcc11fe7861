package baremetal_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

const nodeType = "compute_skylake"

// world is a sandbox with two builds of a deploy ramdisk.
type world struct {
	*sandbox.Cloud
	t        *testing.T
	old, new baremetal.Refs
	osImage  string
}

// start makes a world; mishap is what goes wrong with the newer ramdisk.
func start(t *testing.T, mishap string, nodes ...sandbox.Node) *world {
	t.Helper()
	return startWith(t, sandbox.Options{}, mishap, nodes...)
}

func startWith(t *testing.T, o sandbox.Options, mishap string, nodes ...sandbox.Node) *world {
	t.Helper()
	seed := sandbox.DefaultSeed()
	seed.Nodes = []sandbox.Node{}
	o.Seed, o.Transition = seed, time.Millisecond
	o.Baremetal.CallbackTimeout = cmp.Or(o.Baremetal.CallbackTimeout, 300*time.Millisecond)
	w := &world{t: t, Cloud: sandboxtest.Start(t, o)}
	w.old = w.build("7", time.Hour, "")
	w.new = w.build("8", time.Minute, mishap)
	w.osImage = w.image(sandbox.Image{Name: "ubuntu"})
	for n, node := range nodes {
		if node.Name == "" {
			node.Name = fmt.Sprintf("node-%d", n+1)
		}
		if node.Type == "" {
			node.Type = nodeType
		}
		switch node.Kernel {
		case "":
			node.Kernel, node.Ramdisk = w.old.Kernel, w.old.Ramdisk
		case "none":
			node.Kernel = ""
		}
		w.AddNode(node)
	}
	return w
}

func (w *world) image(i sandbox.Image) string {
	w.t.Helper()
	i.Project, i.Data = "admin", []byte(i.Name)
	id, err := w.AddImage(i)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// build adds both images of a build.
func (w *world) build(tag string, age time.Duration, mishap string) baremetal.Refs {
	w.t.Helper()
	part := func(role string, more map[string]string) string {
		properties := map[string]string{"build-ipa": role, "build-tag": tag, "hw_architecture": "x86_64"}
		maps.Copy(properties, more)
		return w.image(sandbox.Image{Name: "ipa " + role + " " + tag, CreatedAt: time.Now().Add(-age), Properties: properties})
	}
	more := map[string]string{}
	if mishap != "" {
		more[sandbox.RamdiskKey] = mishap
	}
	return baremetal.Refs{Kernel: part("kernel", nil), Ramdisk: part("initramfs", more)}
}

// site is the sandbox as an administrator's run sees it.
func (w *world) site() *baremetal.Site {
	w.t.Helper()
	s, err := baremetal.NewSite(cloudtest.Connect(w.t, w.CloudsYAML(), "admin"), "", cloud.NewRun())
	if err != nil {
		w.t.Fatal(err)
	}
	s.Pace = change.Pace{First: 2 * time.Millisecond, Max: 10 * time.Millisecond}
	return s
}

// options test on a node of the type, by Ironic directly.
func (w *world) options() baremetal.TestOptions {
	return baremetal.TestOptions{
		Selection: baremetal.Selection{Type: nodeType}, Direct: true, Image: w.osImage, Deploy: time.Minute, Clean: time.Minute,
		Lock: 5 * time.Second,
	}
}

func (w *world) test(ctx context.Context, s *baremetal.Site, o baremetal.TestOptions) (*baremetal.Test, error) {
	plan, err := baremetal.NewTest(ctx, s, o)
	if err != nil {
		return nil, err
	}
	return plan, plan.Apply(ctx, report.Discard)
}

// as checks that a node is available, with these images, and nothing of a test.
func (w *world) as(name string, want baremetal.Refs) {
	w.t.Helper()
	w.is(name, want, "available")
}

// is checks that a node is in a state, with these images, and nothing of a test.
func (w *world) is(name string, want baremetal.Refs, state string) {
	w.t.Helper()
	n, _ := w.Node(name)
	if got := (baremetal.Refs{Kernel: n.Kernel, Ramdisk: n.Ramdisk}); got != want {
		w.t.Errorf("node %s has %s, want %s", name, got, want)
	}
	if n.State != state || n.Maintenance || n.InstanceUUID != "" {
		w.t.Errorf("node %s is %s (maintenance %v, instance %q, %s)", name, n.State, n.Maintenance, n.InstanceUUID, n.LastError)
	}
	if left := w.Reservations(); left > 0 {
		w.t.Errorf("%d allocations are left", left)
	}
	if text := fmt.Sprint(n.Extra[baremetal.JournalKey]); strings.Contains(text, "testing") || strings.Contains(text, "restoring") {
		w.t.Errorf("the journal says %s", text)
	}
}

func states(p *baremetal.Test) string {
	var all []string
	for _, ph := range p.Phases {
		all = append(all, ph.Name+"="+ph.State)
	}
	return strings.Join(all, " ")
}
