package baremetal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func TestAGoodRamdiskPasses(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{})
	s := w.site()
	plan, err := w.test(t.Context(), s, w.options())
	if err != nil {
		t.Fatalf("%v\n%s", err, states(plan))
	}
	const want = "reserve=passed images=passed validate=passed deploy=passed check=passed undeploy=passed clean=passed restore=passed"
	if got := states(plan); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	w.as("node-1", w.old)
	past, err := s.History(t.Context(), baremetal.Selection{})
	if err != nil || len(past) != 1 || past[0].State != baremetal.Passed || past[0].Set != w.new || past[0].Before != w.old {
		t.Errorf("%+v, %v", past, err)
	}
	if n, _ := w.Node("node-1"); n.PowerState != "power off" {
		t.Errorf("the node is %s", n.PowerState)
	}
	reports(t, plan)
}

// reports checks both forms of the report.
func reports(t *testing.T, plan *baremetal.Test) {
	t.Helper()
	var b bytes.Buffer
	var r struct {
		Result string
		Phases []struct{ Name, State string }
	}
	if err := plan.JSON(&b); err != nil || json.Unmarshal(b.Bytes(), &r) != nil || r.Result != "passed" || len(r.Phases) != 8 {
		t.Errorf("%v\n%s", err, b.String())
	}
	b.Reset()
	var suite struct {
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Cases    []struct{} `xml:"testcase"`
	}
	if err := plan.JUnit(&b); err != nil || xml.Unmarshal(b.Bytes(), &suite) != nil || suite.Tests != 8 || len(suite.Cases) != 8 {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// A ramdisk fails in each way that it can, and the node gets back what it had, cleaned with its own images.
func TestABadRamdiskFails(t *testing.T) {
	t.Parallel()
	for mishap, phase := range map[string]string{
		sandbox.RamdiskSilent: "deploy", sandbox.RamdiskFailsDeploy: "deploy", sandbox.RamdiskFailsClean: "clean",
		sandbox.RamdiskSilentClean: "clean",
	} {
		t.Run(mishap, func(t *testing.T) {
			t.Parallel()
			w := start(t, mishap, sandbox.Node{})
			plan, err := w.test(t.Context(), w.site(), w.options())
			if err == nil || fault.Is(err, fault.Partial) || !strings.HasPrefix(err.Error(), phase+": ") {
				t.Fatalf("%v\n%s", err, states(plan))
			}
			if !strings.Contains(states(plan), phase+"=failed") || !strings.HasSuffix(states(plan), "restore=passed") {
				t.Error(states(plan))
			}
			w.as("node-1", w.old)
		})
	}
}

// Our own patience ends before Ironic's: the node is taken out of its waiting, and cleaned with its own images.
func TestADeploymentTakesTooLong(t *testing.T) {
	t.Parallel()
	for _, mishap := range []string{sandbox.RamdiskSilent, sandbox.RamdiskSilentClean} {
		w := startWith(t, sandbox.Options{Baremetal: sandbox.Baremetal{CallbackTimeout: time.Hour}}, mishap, sandbox.Node{})
		o := w.options()
		o.Deploy, o.Clean = 3*time.Second, 3*time.Second
		_, err := w.test(t.Context(), w.site(), o)
		if err == nil || fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), "not done after") {
			t.Errorf("%s: %v", mishap, err)
		}
		w.as("node-1", w.old)
	}
}

// Values that weren't set are unset again, both of them (P2).
func TestValuesThatWerentSet(t *testing.T) {
	t.Parallel()
	for _, mishap := range []string{"", sandbox.RamdiskFailsDeploy} {
		w := start(t, mishap, sandbox.Node{Kernel: "none"})
		_, _ = w.test(t.Context(), w.site(), w.options())
		w.as("node-1", baremetal.Refs{})
	}
	w := start(t, "", sandbox.Node{Kernel: "only-a-kernel"})
	if _, err := w.test(t.Context(), w.site(), w.options()); err != nil {
		t.Error(err)
	}
	w.as("node-1", baremetal.Refs{Kernel: "only-a-kernel"})
}

func TestNoFreeNode(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{State: "active", InstanceUUID: "x"}, sandbox.Node{Maintenance: true}, sandbox.Node{State: "manageable"})
	w.ResetRequests()
	_, err := w.test(t.Context(), w.site(), w.options())
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "active: node-1; in maintenance: node-2; manageable: node-3") {
		t.Error(err)
	}
	o := w.options()
	o.Type = "nothing"
	if _, err := w.test(t.Context(), w.site(), o); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), nodeType) {
		t.Error(err)
	}
	for _, r := range w.Requests() {
		if r.Method == "PATCH" {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}

func TestALockedNodeIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{})
	w.Faults().Add(sandbox.Rule{Method: "PATCH|PUT", Path: "/baremetal/**", Rate: 0.5, Seed: 1, Count: 6, Fault: sandbox.Status(409)})
	if _, err := w.test(t.Context(), w.site(), w.options()); err != nil {
		t.Error(err)
	}
	w.as("node-1", w.old)
}

func TestTwoTestersOnOneType(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}, sandbox.Node{})
	errs := make([]error, 3)
	plans := make([]*baremetal.Test, 3)
	var group sync.WaitGroup
	for n := range errs {
		var err error
		if plans[n], err = baremetal.NewTest(t.Context(), w.site(), w.options()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range errs {
		group.Go(func() { errs[n] = plans[n].Apply(context.WithoutCancel(t.Context()), discard) })
	}
	group.Wait()
	refused := 0
	for _, err := range errs {
		if fault.Is(err, fault.Conflict) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused > 1 {
		t.Errorf("%d of 3 were refused, with two nodes: %v", refused, errs)
	}
	w.as("node-1", w.old)
	w.as("node-2", w.old)
}

// Ctrl-C at each phase: the node gets back what it had.
func TestStopped(t *testing.T) {
	t.Parallel()
	for _, phase := range []string{"reserve", "images", "validate", "deploy", "check", "undeploy"} {
		w := start(t, "", sandbox.Node{})
		ctx, stop := context.WithCancel(t.Context())
		plan, err := baremetal.NewTest(ctx, w.site(), w.options())
		if err != nil {
			t.Fatal(err)
		}
		err = plan.Apply(ctx, stopAfter{phase, stop})
		if !fault.Is(err, fault.Cancelled) {
			t.Errorf("after %s: %v\n%s", phase, err, states(plan))
		}
		w.as("node-1", w.old)
	}
}

// The instance of somebody else, who got the node while it was available, stays.
func TestSomebodyElsesInstance(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{})
	s := w.site()
	w.Faults().Add(sandbox.Rule{Method: "PATCH", Nth: 2, Fault: sandbox.Status(503)})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	plan, err := baremetal.NewTest(ctx, s, w.options())
	if err != nil {
		t.Fatal(err)
	}
	err = plan.Apply(ctx, onStep(func(text string) {
		if strings.HasPrefix(text, "clean") {
			w.Occupy("node-1", "5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4")
		}
	}))
	if err != nil {
		t.Error(err)
	}
	n, _ := w.Node("node-1")
	if n.State != "active" || n.InstanceUUID == "" || n.Kernel != w.old.Kernel || n.Ramdisk != w.old.Ramdisk {
		t.Errorf("%+v", n)
	}
}
