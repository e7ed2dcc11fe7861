package change_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sweep"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/check"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// checking checks a cloud actively, under the run that arg is. It makes and removes; the conformance suite, whose
// changes stay, doesn't fit it.
var checking = changetest.Subject{
	Name: "cloud check",
	World: func(t *testing.T) *changetest.World {
		s := sandboxtest.Start(t, sandbox.Options{})
		add(t, s, sandbox.Image{
			Name: "cirros", Project: "demo", Visibility: sandbox.Private, Data: []byte("data"),
			Properties: map[string]string{"os_admin_user": "root"},
		})
		w := &changetest.World{Cloud: s, Arg: string(cloud.NewRun()), Path: "/**"}
		w.State = func() string { return tree(t, s) }
		return w
	},
	Plan: func(ctx context.Context, file, arg string) (change.Plan, error) {
		c, err := cloudtest.Open(ctx, file, "demo")
		if err != nil {
			return nil, err
		}
		return check.NewPlan(ctx, check.Options{
			Profile: check.Shipped(check.OpenDev), Test: c,
			Active: &check.Active{Run: cloud.Run(arg), Flavor: "m1.tiny", Timeout: time.Second, CleanupTimeout: time.Minute},
		})
	},
}

// tree is what the project has of all that an active check makes, and the images with their properties.
func tree(t *testing.T, s *sandbox.Cloud) string {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := cloudtest.Open(ctx, s.CloudsYAML(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client := func(sc *gophercloud.ServiceClient, err error) *gophercloud.ServiceClient {
		if err != nil {
			t.Fatal(err)
		}
		return sc
	}
	compute, network := client(c.Compute()), client(c.Network())
	all := []string{images(t, &changetest.World{Cloud: s})}
	for _, kind := range []string{"ports", "floatingips", "security-groups"} {
		found, err := neutron.List(ctx, network, kind, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range found {
			all = append(all, kind+" "+o.Name)
		}
	}
	pages, err := servers.List(compute, nil).AllPages(ctx)
	if err != nil {
		t.Fatal(err)
	}
	found, err := servers.ExtractServers(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		all = append(all, "server "+v.Name)
	}
	if pages, err = keypairs.List(compute, nil).AllPages(ctx); err != nil {
		t.Fatal(err)
	}
	keys, _ := keypairs.ExtractKeyPairs(pages) // an empty list shows as a difference
	for _, k := range keys {
		all = append(all, "key pair "+k.Name)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// Planning an active check writes nothing; killed at any request, its run can be swept away.
func TestKilledCheck(t *testing.T) {
	t.Parallel()
	door := direct(checking.Name)
	w := checking.World(t)
	before := w.State()
	w.ResetRequests()
	if out, err := door.Run(t, w, true).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, r := range w.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/auth/tokens") {
			t.Errorf("planning sends %s %s", r.Method, r.Path)
		}
	}
	if after := w.State(); after != before {
		t.Errorf("planning changes\n%s\nto\n%s", before, after)
	}
	if testing.Short() {
		t.Skip("left out by -short: makes the check many times")
	}
	const stride = 3
	for nth := 1; ; nth += stride {
		w := checking.World(t)
		before := w.State()
		if !killAtWrite(t, w, door, nth) {
			if nth == 1 {
				t.Error("an active check writes nothing")
			}
			return
		}
		c := cloudtest.Connect(t, w.CloudsYAML(), "demo")
		plan, err := sweep.NewPlan(t.Context(), c, sweep.Options{Runs: []string{w.Arg}})
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Apply(t.Context(), report.Discard); err != nil {
			t.Errorf("killed at write %d: sweeping: %v", nth, err)
		}
		if after := w.State(); after != before {
			t.Fatalf("killed at write %d, a sweep leaves\n%s\ninstead of\n%s", nth, after, before)
		}
	}
}

// killAtWrite makes the check and kills it after the nth request that writes; false if it ended before.
func killAtWrite(t *testing.T, w *changetest.World, d changetest.Door, nth int) bool {
	t.Helper()
	cmd := d.Run(t, w, false)
	started, was := make(chan struct{}), false
	var dead sync.WaitGroup
	w.Faults().Add(sandbox.Rule{Method: "POST|PUT|PATCH|DELETE", Path: "/*/v2*/**", Nth: nth, Fault: sandbox.Fault{
		Do: sandbox.DropAfter, After: func(*http.Request) {
			<-started
			was = true
			_ = cmd.Process.Kill()
			dead.Wait()
		},
	}})
	dead.Add(1)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	_ = cmd.Wait() // it was killed, or not
	dead.Done()
	w.Faults().Clear()
	return was
}
