package baremetal_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func (w *world) push(ctx context.Context, s *baremetal.Site, o baremetal.PushOptions) (*baremetal.Push, error) {
	w.t.Helper()
	o.Type = nodeType
	plan, err := baremetal.NewPush(ctx, s, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan, plan.Apply(ctx, discard)
}

func (w *world) has(name string, want baremetal.Refs) {
	w.t.Helper()
	n, _ := w.Node(name)
	if got := (baremetal.Refs{Kernel: n.Kernel, Ramdisk: n.Ramdisk}); got != want {
		w.t.Errorf("node %s has %s, want %s", name, got, want)
	}
}

func count(p *baremetal.Push) string {
	n := map[string]int{}
	for _, t := range p.Nodes {
		n[t.State]++
	}
	return fmt.Sprint(n)
}

// Nodes whose earlier values differ each get their own back.
func TestPushAndRollBack(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}, sandbox.Node{Kernel: "none"}, sandbox.Node{Kernel: "k", Ramdisk: "r", State: "manageable"})
	s := w.site()
	plan, err := w.push(t.Context(), s, baremetal.PushOptions{Canary: 1})
	if err != nil || count(plan) != "map[pushed:3]" {
		t.Fatalf("%s, %v", count(plan), err)
	}
	for _, name := range []string{"node-1", "node-2", "node-3"} {
		w.has(name, w.new)
	}
	again, err := w.push(t.Context(), w.site(), baremetal.PushOptions{})
	if err != nil || !again.Done() || count(again) != "map[unchanged:3]" {
		t.Errorf("again: %s, %v", count(again), err)
	}
	back, err := baremetal.NewRollback(t.Context(), w.site(), baremetal.RollbackOptions{Run: string(s.Run)})
	if err != nil {
		t.Fatal(err)
	}
	if back.Loss() != "" {
		t.Errorf("a rollback of a push asks %q", back.Loss())
	}
	if err := back.Apply(t.Context(), discard); err != nil {
		t.Fatal(err)
	}
	w.has("node-1", w.old)
	w.has("node-2", baremetal.Refs{})
	w.has("node-3", baremetal.Refs{Kernel: "k", Ramdisk: "r"})
	if back, err = baremetal.NewRollback(t.Context(), w.site(), baremetal.RollbackOptions{Run: string(s.Run)}); err != nil || !back.Done() {
		t.Errorf("a second rollback: %v", err)
	}
}

// Nodes in transition and locked ones are tried again until they can be changed (P7, P8).
func TestPushWaitsForBusyNodes(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}, sandbox.Node{}, sandbox.Node{}, sandbox.Node{State: "active", InstanceUUID: "x"})
	w.LockNode("node-2", true)
	w.Transit("node-3", "deploying", "active")
	time.AfterFunc(100*time.Millisecond, func() {
		w.LockNode("node-2", false)
		w.SetNode("node-3", "available")
	})
	plan, err := w.push(t.Context(), w.site(), baremetal.PushOptions{Canary: 1, Active: true, Patience: time.Minute})
	if err != nil || count(plan) != "map[pushed:4]" {
		t.Errorf("%s, %v", count(plan), err)
	}
	w = start(t, "", sandbox.Node{}, sandbox.Node{}, sandbox.Node{State: "active"}, sandbox.Node{Maintenance: true})
	w.LockNode("node-2", true)
	plan, err = w.push(t.Context(), w.site(), baremetal.PushOptions{Canary: 1, Patience: 100 * time.Millisecond})
	if !fault.Is(err, fault.Partial) || count(plan) != "map[failed:1 pushed:1 skipped:2]" ||
		!strings.Contains(err.Error(), "node node-2: ") {
		t.Errorf("%s, %v", count(plan), err)
	}
	w.has("node-2", w.old)
}

// A node that fails gets its own images back, and stops the rest. It is of another kind than the nodes before it, which
// are validated for all of theirs.
func TestPushStopsAtFailures(t *testing.T) {
	t.Parallel()
	nodes := make([]sandbox.Node, 8)
	for _, tt := range []struct {
		fail int
		want string
	}{{0, "map[failed:1 not pushed:5 pushed:2]"}, {1, "map[failed:1 pushed:7]"}} {
		nodes[2].BootInterface = "pxe"
		w := start(t, "", nodes...)
		third, _ := w.Node("node-3")
		w.Faults().Add(sandbox.Rule{Path: "/baremetal/v1/nodes/" + third.UUID + "/validate", Fault: sandbox.Status(400)})
		plan, err := w.push(t.Context(), w.site(), baremetal.PushOptions{Canary: 1, Batch: "1", MaxFail: tt.fail})
		if !fault.Is(err, fault.Partial) || count(plan) != tt.want {
			t.Errorf("%s, want %s; %v", count(plan), tt.want, err)
		}
		w.has("node-3", w.old)
		w.has("node-2", w.new)
	}
	w := start(t, "", nodes...)
	w.Faults().Add(sandbox.Rule{Path: "/baremetal/**/validate", Fault: sandbox.Status(400)})
	plan, err := w.push(t.Context(), w.site(), baremetal.PushOptions{Canary: 1})
	if err == nil || fault.Is(err, fault.Partial) || count(plan) != "map[failed:1 not pushed:7]" {
		t.Errorf("a bad canary: %s, %v", count(plan), err)
	}
}

// A rollout takes no more than two requests a node, and the list. Nodes of one kind are validated in one batch only.
func TestPushRequests(t *testing.T) {
	t.Parallel()
	nodes := make([]sandbox.Node, 50)
	for n := range nodes {
		if n > 0 {
			nodes[n].BootInterface = "pxe"
		}
	}
	w := start(t, "", nodes...)
	s := w.site()
	w.ResetRequests()
	if _, err := w.push(t.Context(), s, baremetal.PushOptions{Canary: 1}); err != nil {
		t.Fatal(err)
	}
	sent, validated := 0, 0
	for _, r := range w.Requests() {
		if strings.HasPrefix(r.Path, "/baremetal/") {
			sent++
		}
		if strings.HasSuffix(r.Path, "/validate") {
			validated++
		}
	}
	if sent > 2*len(nodes)+1 || validated != 1+5 { // the canary; and of the first batch those of the other kind
		t.Errorf("%d requests for %d nodes, %d of them validations", sent, len(nodes), validated)
	}
}

func TestRollbackLeavesLaterChangesAlone(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}, sandbox.Node{})
	first := w.site()
	if _, err := w.push(t.Context(), first, baremetal.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	w.build("9", 0, "")
	second := w.site()
	if _, err := w.push(t.Context(), second, baremetal.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	o := baremetal.RollbackOptions{Run: string(first.Run)}
	back, err := baremetal.NewRollback(t.Context(), w.site(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := back.Apply(t.Context(), discard); !fault.Is(err, fault.Drift) {
		t.Errorf("%v", err)
	}
	for _, one := range []*baremetal.Site{second, first} {
		o.Run = string(one.Run)
		back, err := baremetal.NewRollback(t.Context(), w.site(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := back.Apply(t.Context(), discard); err != nil {
			t.Error(err)
		}
	}
	w.has("node-1", w.old)
	o = baremetal.RollbackOptions{Nodes: []string{"node-1"}}
	if _, err := baremetal.NewRollback(t.Context(), w.site(), o); !fault.Is(err, fault.NotFound) {
		t.Errorf("nothing is left to roll back: %v", err)
	}
}

func TestTestAndPush(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}, sandbox.Node{Kernel: "none"})
	s := w.site()
	o := w.options()
	o.Push = &baremetal.PushOptions{Canary: 1}
	if plan, err := w.test(t.Context(), s, o); err != nil {
		t.Fatalf("%v\n%s", err, states(plan))
	}
	w.as("node-1", w.new)
	w.as("node-2", w.new)
	back, err := baremetal.NewRollback(t.Context(), w.site(), baremetal.RollbackOptions{Run: string(s.Run)})
	if err == nil {
		err = back.Apply(t.Context(), discard)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.as("node-1", w.old)
	w.as("node-2", baremetal.Refs{})

	w = start(t, sandbox.RamdiskFailsClean, sandbox.Node{}, sandbox.Node{})
	if _, err := w.test(t.Context(), w.site(), w.options()); err == nil {
		t.Error("a ramdisk that can't clean passed")
	}
	w.as("node-1", w.old)
	w.as("node-2", w.old)
}

// Two pushes of different pairs at once exclude each other, so that each node can still be rolled back.
func TestTwoPushesAtOnce(t *testing.T) {
	t.Parallel()
	nodes := make([]sandbox.Node, 12)
	w := start(t, "", nodes...)
	sites, plans := make([]*baremetal.Site, 2), make([]*baremetal.Push, 2)
	for n, tag := range []string{"8", "9"} {
		if tag == "9" {
			w.build(tag, 0, "")
		}
		o := baremetal.PushOptions{PairOptions: baremetal.PairOptions{Properties: map[string]string{"build-tag": tag}}}
		o.Type = nodeType
		sites[n] = w.site()
		var err error
		if plans[n], err = baremetal.NewPush(t.Context(), sites[n], o); err != nil {
			t.Fatal(err)
		}
	}
	errs := make([]error, 2)
	var group sync.WaitGroup
	for n := range plans {
		group.Go(func() { errs[n] = plans[n].Apply(context.WithoutCancel(t.Context()), discard) })
	}
	group.Wait()
	for n, err := range errs {
		if err != nil && !fault.Is(err, fault.Conflict) {
			t.Errorf("push %d: %v", n, err)
		}
	}
	first, _ := w.Node("node-1")
	for n := range nodes {
		w.has(fmt.Sprintf("node-%d", n+1), baremetal.Refs{Kernel: first.Kernel, Ramdisk: first.Ramdisk})
	}
	if errs[0] != nil && errs[1] != nil || w.Reservations() > 0 {
		t.Errorf("%v, with %d claims left", errs, w.Reservations())
	}
	// Whichever ran, and in whichever order: all of it can be taken back.
	past, err := sites[0].History(t.Context(), baremetal.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range past {
		w.rollBack(run.Run)
	}
	for n := range nodes {
		w.has(fmt.Sprintf("node-%d", n+1), w.old)
	}
}

// A dead push keeps pushes of other images out until it is finished or rolled back.
func TestADeadPushIsNotPushedOver(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}, sandbox.Node{})
	dead := w.site()
	w.Faults().Add(sandbox.Rule{Method: "DELETE", Path: "/baremetal/v1/allocations/**", Fault: sandbox.Status(403)})
	if _, err := w.push(t.Context(), dead, baremetal.PushOptions{}); err == nil {
		t.Error("a claim that isn't removed is no error")
	}
	w.Faults().Clear()
	w.build("9", 0, "")
	if _, err := w.push(t.Context(), w.site(), baremetal.PushOptions{}); !fault.Is(err, fault.Conflict) ||
		!strings.Contains(err.Error(), string(dead.Run)) {
		t.Errorf("%v", err)
	}
	later := w.site()
	later.Now = func() time.Time { return time.Now().Add(24 * time.Hour) }
	if _, err := w.push(t.Context(), later, baremetal.PushOptions{}); err != nil || w.Reservations() > 0 {
		t.Errorf("a day later: %v, with %d claims left", err, w.Reservations())
	}
	w.rollBack(string(later.Run))
	w.has("node-1", w.new)
}

// A push that died behind its last node has left its claim. The same push again has nothing to push, and removes it.
func TestTheClaimOfADeadPushIsCleared(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}, sandbox.Node{})
	w.Faults().Add(sandbox.Rule{Method: "DELETE", Path: "/baremetal/v1/allocations/**", Fault: sandbox.Status(403)})
	dead := w.site()
	if _, err := w.push(t.Context(), dead, baremetal.PushOptions{}); err == nil || w.Reservations() != 1 {
		t.Fatalf("%v, with %d claims", err, w.Reservations())
	}
	w.Faults().Clear()
	o := baremetal.PushOptions{Selection: baremetal.Selection{Type: nodeType}}
	plan, err := baremetal.NewPush(t.Context(), w.site(), o)
	if err != nil {
		t.Fatal(err)
	}
	if notes := fmt.Sprint(plan.Notes()); plan.Done() || !strings.Contains(notes, string(dead.Run)) {
		t.Errorf("the plan hides the claim: %s", notes)
	}
	if err := plan.Apply(t.Context(), discard); err != nil || w.Reservations() > 0 || !plan.Done() {
		t.Errorf("%v, with %d claims left", err, w.Reservations())
	}
	w.has("node-1", w.new)
	w.build("9", 0, "")
	if _, err := w.push(t.Context(), w.site(), baremetal.PushOptions{}); err != nil {
		t.Errorf("a push of other images: %v", err)
	}
}

// rollBack takes a run back from another machine.
func (w *world) rollBack(run string) {
	w.t.Helper()
	back, err := baremetal.NewRollback(w.t.Context(), w.site(), baremetal.RollbackOptions{Run: run, Clean: time.Minute})
	if err == nil {
		err = back.Apply(w.t.Context(), discard)
	}
	if err != nil {
		w.t.Errorf("rolling back %s: %v", run, err)
	}
}
