package baremetal_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// mishaps are the ways in which a request goes wrong.
var mishaps = []sandbox.Fault{
	sandbox.Status(500),
	sandbox.StatusAfter(500),
	sandbox.Status(403),
	sandbox.Status(409),
	{Do: sandbox.DropBefore},
	{Do: sandbox.DropAfter},
}

// eachRequest runs do with each request in turn failing, logins and reads included, in each way. do is over when it
// has sent fewer. prepare makes what do begins with, such as a run.
func eachRequest(t *testing.T, prepare func(w *world) string, do func(t *testing.T, w *world, run string) func()) {
	t.Helper()
	if testing.Short() {
		t.Skip("left out by -short: runs the change many times")
	}
	for _, f := range mishaps {
		for nth := 1; ; nth++ {
			w := start(t, "", sandbox.Node{}, sandbox.Node{Kernel: "none"}, sandbox.Node{Kernel: "k", Ramdisk: "r"})
			run := prepare(w)
			w.ResetRequests()
			w.Faults().Add(sandbox.Rule{Nth: nth, Fault: f})
			after := do(t, w, run)
			sent := len(w.Requests())
			w.Faults().Clear()
			if after(); t.Failed() {
				t.Fatalf("%s at request %d", f, nth)
			}
			if sent < nth {
				if nth < 6 {
					t.Errorf("only %d requests were sent", nth-1)
				}
				break
			}
		}
	}
}

func nothing(*world) string { return "" }

// reach is site for a cloud that may not answer.
func (w *world) reach() (*baremetal.Site, error) {
	c, err := cloudtest.Open(w.t.Context(), w.CloudsYAML(), "admin")
	if err != nil {
		return nil, err
	}
	w.t.Cleanup(c.Close)
	s, err := baremetal.NewSite(c, "", cloud.NewRun())
	if err != nil {
		return nil, err
	}
	s.Pace = change.Pace{First: 2 * time.Millisecond, Max: 10 * time.Millisecond}
	return s, nil
}

// oldOrNew checks that no node has half of a pair, or anything but its own values and the new ones.
func (w *world) oldOrNew() {
	w.t.Helper()
	for name, old := range w.before() {
		n, _ := w.Node(name)
		if is := (baremetal.Refs{Kernel: n.Kernel, Ramdisk: n.Ramdisk}); is != old && is != w.new {
			w.t.Errorf("node %s has %s", name, is)
		}
	}
}

func (w *world) before() map[string]baremetal.Refs {
	return map[string]baremetal.Refs{"node-1": w.old, "node-2": {}, "node-3": {Kernel: "k", Ramdisk: "r"}}
}

// Whatever request of a push fails, the next push ends it, and rolling both back gives each node its own values.
func TestPushWithFaults(t *testing.T) {
	t.Parallel()
	eachRequest(t, nothing, func(t *testing.T, w *world, _ string) func() {
		var runs []string
		push := func() error {
			s, err := w.reach()
			if err != nil {
				return err
			}
			runs = append(runs, string(s.Run))
			o := baremetal.PushOptions{Canary: 1, Patience: time.Minute}
			o.Type = nodeType
			plan, err := baremetal.NewPush(t.Context(), s, o)
			if err != nil {
				return err
			}
			return plan.Apply(t.Context(), discard)
		}
		_ = push() // it fails, or has got over it
		return func() {
			w.oldOrNew()
			if err := push(); err != nil {
				t.Errorf("the next push: %v", err)
			}
			for name := range w.before() {
				w.has(name, w.new)
			}
			for _, run := range slices.Backward(runs) {
				w.takeBack(run)
			}
			for name, old := range w.before() {
				w.has(name, old)
			}
		}
	})
}

// takeBack rolls a run back that may have changed nothing.
func (w *world) takeBack(run string) {
	w.t.Helper()
	back, err := baremetal.NewRollback(w.t.Context(), w.site(), baremetal.RollbackOptions{Run: run, Clean: time.Minute})
	if err == nil {
		err = back.Apply(w.t.Context(), discard)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		w.t.Errorf("rolling back: %v", err)
	}
}

// Whatever request of a rollback fails, the next one ends it.
func TestRollbackWithFaults(t *testing.T) {
	t.Parallel()
	eachRequest(t, func(w *world) string {
		s := w.site()
		if _, err := w.push(t.Context(), s, baremetal.PushOptions{}); err != nil {
			t.Fatal(err)
		}
		return string(s.Run)
	}, func(t *testing.T, w *world, run string) func() {
		roll := func() error {
			other, err := w.reach()
			if err != nil {
				return err
			}
			back, err := baremetal.NewRollback(t.Context(), other, baremetal.RollbackOptions{Run: run, Patience: time.Minute})
			if err != nil {
				return err
			}
			return back.Apply(t.Context(), discard)
		}
		_ = roll() // it fails, or has got over it
		return func() {
			w.oldOrNew()
			if err := roll(); err != nil {
				t.Errorf("the next rollback: %v", err)
			}
			for name, old := range w.before() {
				w.has(name, old)
			}
		}
	})
}

// Whatever request of a test fails, its node gets back what it had, by itself or with a rollback from elsewhere.
func TestTestWithFaults(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"direct", "by Nova", "manageable"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			state := "available"
			if how == "manageable" {
				state = how
			}
			prepare := func(w *world) string {
				w.SetNode("node-1", state)
				return ""
			}
			eachRequest(t, prepare, func(t *testing.T, w *world, run string) func() {
				var err error
				s, e := w.reach()
				if e == nil {
					o := w.options()
					o.Type, o.Nodes, o.Direct, o.Provide = "", []string{"node-1"}, how != "by Nova", how == "manageable"
					run = string(s.Run)
					_, err = w.test(t.Context(), s, o)
				}
				return func() {
					if run != "" && err != nil {
						w.takeBack(run)
					}
					if n, _ := w.Node("node-1"); strings.HasSuffix(n.State, "failed") {
						t.Errorf("the node is in state %s: %v", n.State, err)
					}
					w.is("node-1", w.old, state)
					w.gone()
				}
			})
		})
	}
}
