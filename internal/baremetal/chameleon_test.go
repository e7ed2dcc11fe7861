package baremetal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// with is the sandbox with another service, seen from a machine that knows nothing of earlier runs.
func (w *world) with(kind string, service http.Handler) func() *baremetal.Site {
	w.t.Helper()
	s := httptest.NewServer(http.StripPrefix("/v1", service))
	w.t.Cleanup(s.Close)
	return func() *baremetal.Site {
		g, err := cloudtest.Connect(w.t, w.CloudsYAML(), "admin").Grant()
		if err != nil {
			w.t.Fatal(err)
		}
		g.Endpoints[kind] = s.URL + "/v1/"
		c, err := cloud.FromGrant(g, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(c.Close)
		site, err := baremetal.NewSite(c, "", cloud.NewRun())
		if err == nil && kind == "inventory" {
			site.Inventory, err = baremetal.NewInventory(c)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		site.Pace = change.Pace{First: 2 * time.Millisecond, Max: 10 * time.Millisecond}
		return site
	}
}

// A whole test runs in a lease of Blazar, which ends with it, whether the ramdisk works or not.
func TestInALease(t *testing.T) {
	t.Parallel()
	for _, mishap := range []string{"", sandbox.RamdiskFailsDeploy, sandbox.RamdiskFailsClean} {
		t.Run("ramdisk "+mishap, func(t *testing.T) {
			t.Parallel()
			w := start(t, mishap, sandbox.Node{})
			n, _ := w.Node("node-1")
			service, leases := baremetal.ServeBlazar(n.UUID)
			site := w.with("reservation", service)
			plan, err := w.test(t.Context(), site(), w.byNova())
			if (err == nil) != (mishap == "") {
				t.Errorf("%v\n%s", err, states(plan))
			}
			if got := detail(plan, "reserve"); err == nil && got == "" {
				t.Error("the reservation doesn't say that it is a lease")
			}
			if leases() != 0 {
				t.Errorf("%d leases are left", leases())
			}
			w.as("node-1", w.old)
			w.gone()
		})
	}
}

// A push writes Doni, too, and a rollback from another machine restores both.
func TestPushWithDoni(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}, sandbox.Node{Kernel: "none"})
	ids := map[string]string{}
	for _, name := range []string{"node-1", "node-2"} {
		n, _ := w.Node(name)
		ids[name] = n.UUID
	}
	service, says := baremetal.ServeDoni(map[string]baremetal.Refs{ids["node-1"]: w.old, ids["node-2"]: {}})
	site := w.with("inventory", service)
	first := site()
	if _, err := w.push(t.Context(), first, baremetal.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, id := range ids {
		if w.has(name, w.new); says(id) != w.new {
			t.Errorf("Doni says of %s that it has %s", name, says(id))
		}
	}
	back, err := baremetal.NewRollback(t.Context(), site(), baremetal.RollbackOptions{Run: string(first.Run)})
	if err == nil {
		err = back.Apply(t.Context(), discard)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]baremetal.Refs{"node-1": w.old, "node-2": {}} {
		if w.has(name, want); says(ids[name]) != want {
			t.Errorf("Doni says of %s that it has %s, want %s", name, says(ids[name]), want)
		}
	}
	// Hardware that Doni doesn't know is not pushed, as the next sync would undo it.
	w.AddNode(sandbox.Node{Name: "node-3", Type: nodeType, Kernel: w.old.Kernel, Ramdisk: w.old.Ramdisk})
	if _, err := w.push(t.Context(), site(), baremetal.PushOptions{MaxFail: 1}); err == nil || !strings.Contains(err.Error(), "Doni") {
		t.Error(err)
	}
	w.has("node-3", w.old)
}
