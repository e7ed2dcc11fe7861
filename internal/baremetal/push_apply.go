package baremetal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// parallel is how many nodes are changed at a time within a batch.
const parallel = 16

// errLater says that a node is locked or in transition.
var errLater = errors.New("the node is locked, or its state is changing")

// Apply rolls the pair out: to the canaries one by one, then batch by batch, and at last to the nodes that were
// busy. A node of a kind that hasn't been validated with the pair in an earlier batch is validated after its change,
// and gets its own earlier values back if that fails. Too many failures leave the rest alone.
func (p *Push) Apply(ctx context.Context, rep report.Reporter) error {
	p.tried = len(p.todo()) > 0
	if !p.tried {
		rep.Step("Nothing to push")
		return p.clearClaim(ctx)
	}
	if err := p.claim(ctx); err != nil {
		return err
	}
	err := p.refresh(ctx)
	if err == nil {
		err = p.rollOut(ctx, rep)
	}
	if e := p.unclaim(ctx); e != nil && err == nil {
		return e
	}
	return err
}

func (p *Push) rollOut(ctx context.Context, rep report.Reporter) error {
	todo := p.todo()
	canaries := todo[:min(p.o.Canary, len(todo))]
	rest := todo[len(canaries):]
	var later []*Target
	done := 0
	run := func(batch []*Target) bool {
		later = append(later, p.batchOf(ctx, batch)...)
		done += len(batch)
		if done < len(todo) {
			rep.Progress("nodes", int64(done), int64(len(todo)))
		}
		return ctx.Err() == nil && p.failures() <= p.o.MaxFail
	}
	ok := true
	for _, c := range canaries {
		rep.Step("Canary %s", c.Node)
		if ok = run([]*Target{c}); !ok {
			break
		}
	}
	for ok && len(rest) > 0 {
		n := min(p.batch, len(rest))
		ok = run(rest[:n])
		rest = rest[n:]
	}
	if ok && len(later) > 0 {
		rep.Step("Waiting for nodes that are locked or changing: %d", len(later))
		p.wait(ctx, later)
	}
	for _, t := range p.todo() {
		t.State, t.Detail, t.After = NotPushed, "", t.Before
	}
	rep.Progress("nodes", int64(len(todo)), int64(len(todo)))
	return p.outcome(ctx)
}

// batchOf changes nodes at once. It returns those that are to be tried later.
func (p *Push) batchOf(ctx context.Context, batch []*Target) (later []*Target) {
	errs := make([]error, len(batch))
	var group errgroup.Group
	group.SetLimit(parallel)
	for n, t := range batch {
		group.Go(func() error {
			errs[n] = p.one(ctx, t)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	for n, t := range batch {
		switch {
		case errors.Is(errs[n], errLater):
			later = append(later, t)
		case errs[n] != nil && ctx.Err() == nil:
			t.fail(errs[n])
		case t.State == Pushed:
			p.valid[kindOf(t.Node)] = true
		}
	}
	return later
}

// wait tries nodes that were busy again until their time is over.
func (p *Push) wait(ctx context.Context, later []*Target) {
	all := slices.Clone(later)
	_ = p.site.Pace.Wait(ctx, "nodes", p.o.Patience, func(ctx context.Context) (bool, error) {
		for _, t := range later {
			fresh, err := p.site.Nodes.Node(ctx, t.Node.ID)
			if err != nil {
				continue
			}
			t.Node, t.Before = fresh, refsOf(fresh)
		}
		later = p.batchOf(ctx, later)
		return len(later) == 0 || p.failures() > p.o.MaxFail, nil
	})
	if ctx.Err() != nil || p.failures() > p.o.MaxFail {
		return
	}
	for _, t := range all { // the wait is over for what is left
		if t.State == ToPush {
			t.fail(fault.New(fault.Conflict, "", "%w: it is %s, and wasn't free within %s", errLater, t.Node.ProvisionState, p.o.Patience))
		}
	}
}

// one changes one node: one request, and a second if its kind is new.
func (p *Push) one(ctx context.Context, t *Target) error {
	begin := time.Now()
	defer func() { t.took = time.Since(begin) }()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !t.Node.Updatable() || t.Node.Reservation != "" {
		return errLater
	}
	j, err := journalOf(t.Node)
	if err != nil {
		return err
	}
	e := Entry{
		Run: string(p.site.Run), Action: ActionPush, State: Pushed, At: p.site.Now().UTC(), Build: p.Pair.Build(),
		Set: p.Pair.refs(), Before: t.Before,
	}
	if old := j.of(e.Run); old != nil { // the test of the same run
		e.Run, e.Why = old.Run, "tested on this node first"
	}
	if p.site.Inventory != nil {
		before, err := p.site.Inventory.refs(ctx, t.Node.ID)
		if err != nil {
			return err
		}
		e.Inventory = &before
	}
	ctx, cancel := change.Grace(ctx) // what was begun is ended
	defer cancel()
	now, err := p.site.Nodes.Patch(ctx, t.Node.ID, patch(t.Node, p.Pair.refs(), j.with(e)))
	if fault.Is(err, fault.Conflict) {
		return errLater
	}
	if err != nil {
		return err
	}
	if err := p.verify(ctx, now, p.valid[kindOf(t.Node)]); err != nil {
		return p.takeBack(ctx, t, e, err)
	}
	t.State, t.Detail = Pushed, ""
	return nil
}

// verify makes sure that the node works with the pair, unless nodes like it are known to, and that nothing undoes it.
func (p *Push) verify(ctx context.Context, n *ironic.Node, known bool) error {
	if !known {
		if err := p.site.valid(ctx, n); err != nil {
			return err
		}
	}
	if p.site.Inventory != nil {
		return p.site.Inventory.set(ctx, n.ID, p.Pair.refs())
	}
	return nil
}

// kindOf names what Ironic's validation of a node looks at besides the pair. What still differs between two nodes of
// a kind, such as a port that one of them lacks, no push changes.
func kindOf(n *ironic.Node) string {
	var set []string
	for key := range n.DriverInfo {
		if key != "deploy_kernel" && key != "deploy_ramdisk" {
			set = append(set, key)
		}
	}
	slices.Sort(set)
	return fmt.Sprintf("%#v", []any{
		n.Driver, n.BootWith, n.DeployWith, n.ResourceClass, n.Properties["cpu_arch"], n.Properties["capabilities"], n.InstanceID != "",
		set,
	})
}

// takeBack gives one node its own earlier values back.
func (p *Push) takeBack(ctx context.Context, t *Target, e Entry, why error) error {
	undo := new(change.Undo)
	undo.Add("the push to node "+t.Node.String(), func(ctx context.Context) (bool, error) {
		e.Why = why.Error()
		return true, p.site.putBack(ctx, t.Node.ID, e, p.o.Patience)
	})
	_, err := undo.TakeBack(ctx, why, rollbackOf(string(p.site.Run)))
	return err
}

func rollbackOf(run string) fault.Advice {
	return fault.Advise("roll back with %s", fault.Do("ipa", "rollback").With("run", run))
}

// putBack gives a node the values that an entry has from before, and those of the source of truth.
func (s *Site) putBack(ctx context.Context, id string, e Entry, patience time.Duration) error {
	if e.Inventory != nil && s.Inventory != nil {
		if err := s.Inventory.set(ctx, id, *e.Inventory); err != nil {
			return err
		}
	}
	return s.settle(ctx, id, patience, func(n *ironic.Node) (ironic.Patch, error) {
		j, err := journalOf(n)
		if err != nil {
			return nil, err
		}
		now := j.of(e.Run)
		if now == nil || now.State == RolledBack {
			return nil, nil
		}
		entry := *now
		entry.State, entry.Why = RolledBack, e.Why
		return patch(n, e.Before, j.with(entry)), nil
	}, nil)
}

func (p *Push) failures() int { return len(p.errors()) }

func (p *Push) errors() (errs []error) {
	for _, t := range p.Nodes {
		if t.err != nil {
			errs = append(errs, t.err)
		}
	}
	return errs
}

// outcome is the error of the whole push.
func (p *Push) outcome(ctx context.Context) error {
	count := map[string]int{}
	for _, t := range p.Nodes {
		count[t.State]++
	}
	errs := errors.Join(p.errors()...)
	again := fault.Advise("fix the cause and push again, or roll back with %s", fault.Do("ipa", "rollback").With("run", string(p.site.Run)))
	summary := fmt.Sprintf("%d pushed, %d failed, %d not pushed", count[Pushed], count[Failed], count[NotPushed])
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(fault.Cancelled, again, fmt.Errorf("%s: %w", summary, errors.Join(context.Cause(ctx), errs)))
	case errs == nil:
		return nil
	case count[Pushed] == 0:
		return fault.New(fault.KindOf(errs), "", "%s: %w", summary, errs)
	}
	return fault.Wrap(fault.Partial, again, fmt.Errorf("%s: %w", summary, errs))
}
