package baremetal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// RollbackOptions say what to take back.
type RollbackOptions struct {
	Run      string   // of this run, on all its nodes
	Nodes    []string // or the last run of these nodes
	Force    bool     // even where the values were changed since
	Patience time.Duration
	Clean    time.Duration // the longest that cleaning may take, for a test
}

// Rollback is the plan of a rollback.
type Rollback struct {
	Nodes []*Target

	site   *Site
	o      RollbackOptions
	orphan []string // runs that have reserved a node, or nothing, and left no journal
	tried  bool
}

// ToRestore is the state of a node that is to be rolled back.
const ToRestore = "to restore"

// NewRollback plans the rollback of a run, or of the last run of nodes: an unfinished test is ended, a push is
// undone with each node's own earlier values.
func NewRollback(ctx context.Context, s *Site, o RollbackOptions) (*Rollback, error) {
	if (o.Run == "") == (len(o.Nodes) == 0) {
		return nil, fault.New(fault.Usage, fault.Advise("give %s or %s", fault.Option("run"), fault.Option("node")),
			"either a run is rolled back, or nodes")
	}
	sel := Selection{Nodes: o.Nodes}
	if len(o.Nodes) > 0 {
		if err := sel.check(); err != nil {
			return nil, err
		}
	}
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	if o.Clean <= 0 {
		o.Clean = DefaultClean
	}
	nodes, err := s.nodes(ctx, sel)
	if err != nil {
		return nil, err
	}
	r := &Rollback{site: s, o: o}
	known := map[string]bool{}
	for _, n := range nodes {
		t, err := o.target(n)
		if err != nil {
			return nil, err
		}
		if t != nil {
			r.Nodes = append(r.Nodes, t)
			known[t.run] = t.State == ToRestore // which releases what the run has reserved
		}
	}
	if err := r.findOrphans(ctx, nodes, known); err != nil {
		return nil, err
	}
	if len(r.Nodes) == 0 && len(r.orphan) == 0 {
		return nil, fault.New(fault.NotFound, fault.Advise("see %s", fault.Do("ipa", "history")), "nothing to roll back of %s", r.what())
	}
	return r, nil
}

func (r *Rollback) what() string {
	if r.o.Run != "" {
		return "run " + r.o.Run
	}
	return strings.Join(r.o.Nodes, ", ")
}

// target is what a node gets back; nil if no run that counts has touched it.
func (o RollbackOptions) target(n *ironic.Node) (*Target, error) {
	j, err := journalOf(n)
	if err != nil {
		if o.Run != "" {
			return nil, nil // another node's journal doesn't stop the run's rollback
		}
		return nil, err
	}
	e := j.open()
	if e == nil || o.Run != "" {
		e = nil
		for k := range j.Runs {
			if one := &j.Runs[k]; one.Run == o.Run || o.Run == "" && one.State == Pushed {
				e = one
				break
			}
		}
	}
	if e == nil {
		return nil, nil
	}
	t := &Target{Node: n, Before: refsOf(n), After: e.Before, State: ToRestore, run: e.Run}
	switch {
	case e.open():
		t.Detail, t.ends = "ends the test of run "+e.Run, true
	case e.State != Pushed:
		t.State, t.After, t.Detail = Unchanged, t.Before, e.State
	case t.Before != e.Set && !o.Force:
		t.State, t.After = Failed, t.Before
		t.Detail = "changed since by something else: " + t.Before.String()
		t.err = fault.New(fault.Drift, fault.Advise("to overwrite it, set %s", fault.Set("force", true)),
			"node %s was changed since: %s", n, t.Before)
	}
	return t, nil
}

// findOrphans finds reservations of runs that died before they wrote to a node.
func (r *Rollback) findOrphans(ctx context.Context, nodes []*ironic.Node, known map[string]bool) error {
	all, err := r.site.Nodes.Allocations(ctx)
	if err != nil {
		return err
	}
	chosen := map[string]bool{}
	for _, n := range nodes {
		chosen[n.ID] = true
		if n.InstanceID == r.o.Run && r.o.Run != "" && !known[r.o.Run] {
			known[r.o.Run] = true
			r.orphan = append(r.orphan, r.o.Run)
		}
	}
	for _, a := range all {
		node, ours := strings.CutPrefix(a.Name, allocationName)
		if !ours || known[a.UUID] {
			continue
		}
		if a.UUID == r.o.Run || r.o.Run == "" && (chosen[a.Node] || chosen[node]) {
			r.orphan = append(r.orphan, a.UUID)
		}
	}
	return nil
}

// Done reports whether there is, or was, nothing to restore.
func (r *Rollback) Done() bool { return !r.tried && r.count(ToRestore) == 0 && len(r.orphan) == 0 }

func (r *Rollback) count(state string) (n int) {
	for _, t := range r.Nodes {
		if t.State == state {
			n++
		}
	}
	return n
}

// Loss asks before a test is ended that may be going on.
func (r *Rollback) Loss() string {
	runs := map[string]bool{}
	var names []string
	for _, t := range r.Nodes {
		if t.State == ToRestore && t.ends && !runs[t.run] {
			runs[t.run] = true
			names = append(names, t.run)
		}
	}
	for _, run := range r.orphan {
		if !runs[run] {
			names = append(names, run)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("End the test of run %s? Make sure that it isn't at work any more.", strings.Join(names, ", "))
}

// Notes are none.
func (r *Rollback) Notes() []fault.Advice { return nil }

// Rows are a node each.
func (r *Rollback) Rows() []change.Row {
	rows := make([]change.Row, len(r.Nodes))
	for n, t := range r.Nodes {
		rows[n] = t.row()
	}
	return rows
}

// Apply gives each node its own earlier values back. One that fails doesn't stop the others.
func (r *Rollback) Apply(ctx context.Context, rep report.Reporter) error {
	r.tried = !r.Done()
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, t := range r.Nodes {
		if t.State != ToRestore {
			continue
		}
		group.Go(func() error {
			rep.Step("Restoring node %s", t.Node)
			r.one(ctx, t)
			return nil
		})
	}
	_ = group.Wait() // the errors are in the targets
	var errs []error
	for _, run := range r.orphan {
		if err := r.site.releaseLocked(ctx, run); err != nil {
			errs = append(errs, err)
		}
	}
	pushes := map[string]bool{} // whose claim is left if they are dead
	for _, t := range r.Nodes {
		if t.err != nil {
			errs = append(errs, t.err)
		}
		if t.State == RolledBack && !t.ends && !pushes[t.run] {
			pushes[t.run] = true
			errs = append(errs, r.site.Nodes.Deallocate(ctx, t.run))
		}
	}
	err := errors.Join(errs...)
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(fault.Cancelled, "run it again", errors.Join(context.Cause(ctx), err))
	case err != nil && r.count(RolledBack) > 0:
		return fault.Wrap(fault.Partial, "fix the cause and run it again", err)
	}
	return err
}

func (r *Rollback) one(ctx context.Context, t *Target) {
	j, err := journalOf(t.Node)
	if err == nil {
		e := *j.of(t.run)
		if e.open() {
			back := &recovery{site: r.site, run: t.run, node: t.Node.ID, state: RolledBack, eager: true}
			err = back.finish(ctx, r.o.Patience+2*r.o.Clean)
		} else {
			err = r.site.putBack(ctx, t.Node.ID, e, r.o.Patience)
		}
	}
	if err != nil {
		t.fail(err)
		return
	}
	t.State, t.Detail = RolledBack, ""
}
