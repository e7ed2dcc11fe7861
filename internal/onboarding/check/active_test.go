package check_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/check"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

const guestPort = 2223

// activeWorld is a world with an image whose user is known.
func activeWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	w := newWorld(t, shape{sandbox: o, plain: true, profile: "name: x\ntest: {egress: none}\nseverity: {K1: off, K2: off}"})
	var data bytes.Buffer
	root := tar.NewWriter(&data)
	if err := root.WriteHeader(&tar.Header{Name: "etc/x", Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if err := root.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddImage(sandbox.Image{
		Name: "cirros-0.6", Visibility: sandbox.Public, Data: data.Bytes(), Properties: map[string]string{"os_admin_user": "root"},
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

// active are the options of an active check.
func (w *world) active(timeout time.Duration) check.Options {
	o := w.options()
	o.Active = &check.Active{SSHPort: guestPort, Timeout: timeout, CleanupTimeout: time.Minute}
	return o
}

// tree is all that an active check could have left or changed.
func (w *world) tree() string {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	c, err := cloudtest.Open(ctx, w.CloudsYAML(), "zuul")
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	compute, network := must(c.Compute()), must(c.Network())
	var all []string
	for _, i := range w.allImages() {
		all = append(all, fmt.Sprintf("image %s %s %v", i.Name, i.Visibility, i.Properties))
	}
	for _, s := range must(servers.ExtractServers(must(servers.List(compute, nil).AllPages(ctx)))) {
		all = append(all, "server "+s.Name)
	}
	for _, k := range must(keypairs.ExtractKeyPairs(must(keypairs.List(compute, nil).AllPages(ctx)))) {
		all = append(all, "key pair "+k.Name)
	}
	for _, p := range must(ports.ExtractPorts(must(ports.List(network, nil).AllPages(ctx)))) {
		all = append(all, "port "+p.Name)
	}
	for _, f := range must(floatingips.ExtractFloatingIPs(must(floatingips.List(network, nil).AllPages(ctx)))) {
		all = append(all, "floating IP "+f.FloatingIP)
	}
	for _, g := range must(groups.ExtractGroups(must(groups.List(network, groups.ListOpts{}).AllPages(ctx)))) {
		all = append(all, fmt.Sprintf("group %s with %d rules", g.Name, len(g.Rules)))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// allImages are the images that the administrator sees.
func (w *world) allImages() []*glance.Image {
	ctx := context.WithoutCancel(w.t.Context())
	c, err := cloudtest.Open(ctx, w.CloudsYAML(), "admin")
	if err != nil {
		w.t.Error(err)
		return nil
	}
	defer c.Close()
	found, err := glance.New(must(c.Image())).Images(ctx, glance.Query{Visibility: "all", BothHidden: true})
	if err != nil {
		w.t.Error(err)
	}
	return found
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestActive(t *testing.T) {
	t.Parallel()
	o := ready()
	o.SSHPort = guestPort
	w := activeWorld(t, sandboxtest.WithGuests(t, o))
	before := w.tree()
	p := w.check(w.active(2 * time.Minute))
	if d := w.tree(); d != before {
		t.Errorf("planning changes\n%s\nto\n%s", before, d)
	}
	for id, would := range map[string]string{ // what a dry run shows
		"G1": "an image of 1 MiB is uploaded in each format, and removed", "I2": "not tried yet: a server with image ",
	} {
		if r := result(t, p, id, ""); !strings.Contains(r.Evidence, would) || !r.Remedy.IsZero() {
			t.Errorf("%s, before it is tried: %s: %s; %s", id, r.Status, r.Evidence, r.Remedy)
		}
	}
	err := p.Apply(t.Context(), report.Discard)
	booted := result(t, p, "I2", "")
	sandboxtest.SkipWithoutGuests(t, booted.Evidence)
	if err != nil {
		t.Error(err)
	}
	for id, evidence := range map[string]string{
		"G1": "uploaded raw: ", "I2": "SSH at 127.78.", "G3": "sharing works, hiding works, deactivation works",
	} {
		r := result(t, p, id, "")
		if r.Status == check.Failed || r.Status == check.Skipped || !strings.Contains(r.Evidence, evidence) {
			t.Errorf("%s: %s: %s; want %q", id, r.Status, r.Evidence, evidence)
		}
	}
	if booted.Status != check.Passed || !strings.Contains(booted.Evidence, "cores") {
		t.Errorf("I2: %s: %s", booted.Status, booted.Evidence)
	}
	if after := w.tree(); after != before {
		t.Errorf("an active check leaves\n%s\ninstead of\n%s", after, before)
	}
}

// The user's wrong names aren't what the cloud lacks: they are errors before anything is made.
func TestWrongNames(t *testing.T) {
	t.Parallel()
	w := activeWorld(t, ready())
	for option, change := range map[string]func(*check.Active){
		"image": func(a *check.Active) { a.Image = "nope" }, "flavor": func(a *check.Active) { a.Flavor = "nope" },
		"network": func(a *check.Active) { a.Network = "nope" },
	} {
		o := w.active(time.Minute)
		change(o.Active)
		_, err := check.NewPlan(t.Context(), o)
		if !fault.Is(err, fault.NotFound) || !strings.HasPrefix(fmt.Sprint(err), option+": there is no ") {
			t.Errorf("%s: %v", option, err)
		}
	}
}

// Where the user has to choose a network, the finding says which there are.
func TestSeveralNetworks(t *testing.T) {
	t.Parallel()
	o := ready()
	o.Seed.Networks = []sandbox.Network{
		{Name: "left", CIDR: "127.77.0.0/16", Shared: true},
		{Name: "right", CIDR: "127.76.0.0/16", Shared: true},
		{Name: "public", CIDR: "127.78.0.0/16", External: true},
	}
	w := activeWorld(t, o)
	p := w.check(w.active(time.Minute))
	_ = p.Apply(t.Context(), report.Discard)
	r := result(t, p, "I2", "")
	if r.Status != check.Unknown || !strings.HasSuffix(r.Evidence, "any of these networks: left, right") ||
		r.Remedy.String() != "choose one with network" {
		t.Errorf("%+v", r)
	}
}

func TestForbiddenUploads(t *testing.T) {
	t.Parallel()
	w := activeWorld(t, ready())
	before := w.tree()
	w.Faults().Add(sandbox.Rule{Method: "POST", Path: "/image/v2/images", Fault: sandbox.Status(http.StatusForbidden)})
	p := w.check(w.active(time.Second))
	if err := p.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Conflict) {
		t.Errorf("the verdict is %v", err)
	}
	if r := result(t, p, "G1", ""); r.Status != check.Failed || !strings.Contains(r.Evidence, "403") {
		t.Errorf("%+v", r)
	}
	if after := w.tree(); after != before {
		t.Errorf("it leaves\n%s", after)
	}
}

// An image of one format alone is a warning.
func TestOneFormat(t *testing.T) {
	t.Parallel()
	w := activeWorld(t, ready())
	w.Faults().Add(sandbox.Rule{Method: "POST", Path: "/image/v2/images", Nth: 2, Fault: sandbox.Status(http.StatusForbidden)})
	p := w.check(w.active(time.Second))
	_ = p.Apply(t.Context(), report.Discard) // there is no server that lets in
	if r := result(t, p, "G1", ""); r.Status != check.Warning || !strings.Contains(r.Evidence, "qcow2: ") {
		t.Errorf("%+v", r)
	}
}

// A server that nobody gets into fails, and isn't left.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	w := activeWorld(t, ready())
	before := w.tree()
	p := w.check(w.active(10 * time.Second))
	if err := p.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "I2") {
		t.Errorf("the verdict is %v", err)
	}
	if after := w.tree(); after != before {
		t.Errorf("it leaves\n%s", after)
	}
}

// Interrupted at any point, an active check removes what it has made.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/image/v2/images", "/image/v2/images/*/file", "/compute/v2.1/servers", "/network/v2.0/floatingips"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := activeWorld(t, ready())
			before := w.tree()
			p := w.check(w.active(time.Minute))
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			w.Faults().Add(sandbox.Rule{Method: "POST|PUT", Path: path, Fault: sandbox.Fault{
				Do: sandbox.Observe, After: func(*http.Request) { interrupt() },
			}})
			if err := p.Apply(ctx, report.Discard); !fault.Is(err, fault.Cancelled) {
				t.Errorf("it ended with %v", err)
			}
			probes := []string{"G1", "I2"}
			if result(t, p, "G1", "").Status == check.Passed && !strings.HasPrefix(path, "/image/") {
				probes = probes[1:] // the uploads had ended before the server was asked for
			}
			for _, id := range probes {
				if r := result(t, p, id, ""); r.Status != check.Unknown || !strings.HasPrefix(r.Evidence, "interrupted") {
					t.Errorf("%s: %s: %s", r.ID, r.Status, r.Evidence)
				}
			}
			var junit bytes.Buffer
			if err := p.WriteJUnit(&junit); err != nil || !strings.Contains(junit.String(), fmt.Sprintf(`errors="%d"`, len(probes))) {
				t.Errorf("%v\n%s", err, junit.String())
			}
			w.Faults().Clear()
			if after := w.tree(); after != before {
				t.Errorf("it leaves\n%s\ninstead of\n%s", after, before)
			}
		})
	}
}

// Whatever request of an active check fails, in whatever way, nothing is left.
func TestEveryRequestFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: makes the check many times")
	}
	count := func() int {
		w := activeWorld(t, ready())
		p := w.check(w.active(500 * time.Millisecond))
		w.ResetRequests()
		_ = p.Apply(t.Context(), report.Discard) // no server lets in
		return len(w.Requests())
	}()
	var all sync.WaitGroup
	turns := make(chan struct{}, 8)
	for nth := 1; nth <= count; nth++ {
		f := []sandbox.Fault{
			{Do: sandbox.DropAfter},
			sandbox.StatusAfter(http.StatusInternalServerError), sandbox.Status(http.StatusConflict),
			{Do: sandbox.Truncate},
		}[nth%4]
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			w := activeWorld(t, ready())
			before := w.tree()
			p := w.check(w.active(500 * time.Millisecond))
			w.Faults().Add(sandbox.Rule{Nth: nth, Fault: f})
			err := p.Apply(t.Context(), report.Discard)
			w.Faults().Clear()
			after := w.tree()
			if after != before && !strings.Contains(fmt.Sprint(err), "couldn't remove all") {
				t.Errorf("after %s at request %d, which ends with %v, it leaves\n%s", f, nth, err, after)
			}
			if again := w.check(w.active(500 * time.Millisecond)); again.Count(check.Unknown) > 0 {
				t.Errorf("after %s at request %d, the next check finds out less: %v", f, nth, again.Err())
			}
		})
	}
	all.Wait()
}

// An image that a check leaves can be told by its run.
func TestMarks(t *testing.T) {
	t.Parallel()
	w := activeWorld(t, ready())
	var mu sync.Mutex
	var seen []string
	w.Faults().Add(sandbox.Rule{Method: "PUT", Path: "/image/v2/images/*/file", Fault: sandbox.Fault{
		Do: sandbox.Observe, After: func(*http.Request) {
			mu.Lock()
			defer mu.Unlock()
			for _, i := range w.allImages() {
				run, ok := cloud.NamedRun(i.Name)
				if ok && i.Properties[cloud.RunKey] == string(run) && i.Properties[cloud.DeadlineKey] != "" {
					seen = append(seen, i.Properties[check.ProbeKey])
				}
			}
		},
	}})
	p := w.check(w.active(time.Second))
	_ = p.Apply(t.Context(), report.Discard) // no server lets in
	mu.Lock()
	defer mu.Unlock()
	if len(seen) < 2 || !strings.HasSuffix(seen[0], "-raw") {
		t.Errorf("marked images: %q", seen)
	}
}
