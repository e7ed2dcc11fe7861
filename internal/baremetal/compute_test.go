package baremetal_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// byNova are options with which Nova deploys the node.
func (w *world) byNova() baremetal.TestOptions {
	o := w.options()
	o.Direct = false
	return o
}

// gone checks that Nova has no server left.
func (w *world) gone() {
	w.t.Helper()
	if n := w.ServerCount(); n > 0 {
		w.t.Errorf("%d servers are left", n)
	}
}

func TestByNova(t *testing.T) {
	t.Parallel()
	for mishap, phase := range map[string]string{
		"": "", sandbox.RamdiskSilent: "deploy", sandbox.RamdiskFailsDeploy: "deploy", sandbox.RamdiskFailsClean: "clean",
		sandbox.RamdiskSilentClean: "clean",
	} {
		t.Run("ramdisk "+mishap, func(t *testing.T) {
			t.Parallel()
			w := start(t, mishap, sandbox.Node{Kernel: "none"})
			plan, err := w.test(t.Context(), w.site(), w.byNova())
			if (err != nil) != (phase != "") || err != nil && !strings.HasPrefix(err.Error(), phase+": ") || fault.Is(err, fault.Partial) {
				t.Errorf("%v\n%s", err, states(plan))
			}
			w.as("node-1", baremetal.Refs{})
			w.gone()
		})
	}
}

// The creation of the server fails, in each way: the node gets back what it had (P1).
func TestServerThatIsntCreated(t *testing.T) {
	t.Parallel()
	for _, f := range []sandbox.Fault{
		sandbox.Status(403), sandbox.Status(500), sandbox.StatusAfter(500), {Do: sandbox.DropBefore}, {Do: sandbox.DropAfter},
	} {
		w := start(t, "", sandbox.Node{})
		w.Faults().Add(sandbox.Rule{Method: "POST", Path: "/compute/v2.1/servers", Fault: f})
		_, err := w.test(t.Context(), w.site(), w.byNova())
		if f.Do == sandbox.Answer && err == nil {
			t.Errorf("%s: no error", f)
		}
		w.as("node-1", w.old)
		w.gone()
	}
	w := startWith(t, sandbox.Options{ServerQuotas: sandbox.ServerQuotas{Instances: sandbox.ZeroQuota}}, "", sandbox.Node{})
	if _, err := w.test(t.Context(), w.site(), w.byNova()); !fault.Is(err, fault.Quota) {
		t.Errorf("a quota of 0 servers: %v", err)
	}
	w.as("node-1", w.old)
}

// Nova gives the node to nobody else's test: of two runs with one node, one is refused.
func TestTwoTestersByNova(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{})
	errs := make([]error, 2)
	plans := make([]*baremetal.Test, 2)
	for n := range plans {
		var err error
		if plans[n], err = baremetal.NewTest(t.Context(), w.site(), w.byNova()); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	for n := range plans {
		group.Go(func() { errs[n] = plans[n].Apply(context.WithoutCancel(t.Context()), discard) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil && !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
	}
	if errs[0] != nil && errs[1] != nil {
		t.Errorf("both were refused: %v", errs)
	}
	w.as("node-1", w.old)
	w.gone()
}

func TestWhatNovaNeeds(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{})
	o := w.byNova()
	o.Image = ""
	if _, err := w.test(t.Context(), w.site(), o); !fault.Is(err, fault.Usage) {
		t.Errorf("no image: %v", err)
	}
	o = w.byNova()
	o.Server.Flavor = "nothing"
	if _, err := w.test(t.Context(), w.site(), o); !fault.Is(err, fault.NotFound) {
		t.Errorf("no flavor: %v", err)
	}
	o = w.byNova()
	o.Server.Key = "nothing"
	if _, err := w.test(t.Context(), w.site(), o); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), `key pair "nothing"`) {
		t.Errorf("no key pair: %v", err)
	}
	for _, r := range w.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/tokens") {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}
