package baremetal_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// A manageable node is made available for a test, and is manageable again with its own images, however the test ends.
func TestAManageableNode(t *testing.T) {
	t.Parallel()
	for _, direct := range []bool{true, false} {
		for mishap, phase := range map[string]string{
			"": "", sandbox.RamdiskFailsDeploy: "deploy", sandbox.RamdiskFailsClean: "clean", sandbox.RamdiskSilentClean: "clean",
		} {
			w := start(t, mishap, sandbox.Node{State: "manageable"})
			o := w.options()
			o.Direct = direct
			if _, err := baremetal.NewTest(t.Context(), w.site(), o); !fault.Is(err, fault.Conflict) {
				t.Errorf("without being asked for: %v", err)
			}
			o.Provide = true
			plan, err := w.test(t.Context(), w.site(), o)
			if (err != nil) != (phase != "") || err != nil && !strings.HasPrefix(err.Error(), phase+": ") || fault.Is(err, fault.Partial) {
				t.Errorf("direct %v, ramdisk %q: %v\n%s", direct, mishap, err, states(plan))
			}
			if plan.Loss() == "" {
				t.Error("the plan doesn't ask before it cleans a node that wasn't free")
			}
			w.is("node-1", w.old, "manageable")
			w.gone()
		}
	}
}

// A manageable node is used if no other is free only.
func TestAvailableNodesComeFirst(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{State: "manageable"}, sandbox.Node{})
	o := w.options()
	o.Provide = true
	plan, err := w.test(t.Context(), w.site(), o)
	if err != nil || plan.Loss() != "" || plan.Phases[0].Node != "node-2" {
		t.Errorf("%v, on node %s", err, plan.Phases[0].Node)
	}
	w.is("node-1", w.old, "manageable")
	w.as("node-2", w.old)
}

// A node that can't be cleaned with its own images isn't tested, and is manageable again.
func TestAManageableNodeIsNotCleaned(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{State: "manageable", Kernel: "7f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4"})
	o := w.options()
	o.Provide = true
	if _, err := w.test(t.Context(), w.site(), o); err == nil || !strings.HasPrefix(err.Error(), "reserve: ") {
		t.Error(err)
	}
	w.is("node-1", baremetal.Refs{Kernel: "7f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4"}, "manageable")
}

func TestTwoTestersOnOneManageableNode(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{State: "manageable"})
	errs, plans := make([]error, 2), make([]*baremetal.Test, 2)
	for n := range plans {
		o := w.options()
		o.Provide = true
		var err error
		if plans[n], err = baremetal.NewTest(t.Context(), w.site(), o); err != nil {
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
	w.is("node-1", w.old, "manageable")
}
