package baremetal

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// restore is the last phase of a test.
func (t *Test) restore(ctx context.Context, rep report.Reporter, why error) error {
	if t.node == nil { // the reservation may have been made all the same
		t.phase(PhaseRestore).State = "skipped"
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		return t.site.releaseLocked(late, string(t.site.Run))
	}
	r := &recovery{site: t.site, run: string(t.site.Run), node: t.node.ID, state: Passed, eager: why != nil}
	if why != nil {
		r.state, r.why = TestFailed, why.Error()
	}
	patience := t.o.Lock + 2*t.o.Clean
	late := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		patience = stopTime
	} else {
		var cancel context.CancelFunc
		late, cancel = stopSoon(ctx)
		defer cancel()
	}
	return t.during(late, rep, PhaseRestore, func(ctx context.Context) (string, error) { return "", r.finish(ctx, patience) })
}

// stopSoon is a context that ends a while after ctx.
func stopSoon(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopTime, func() { cancel(context.Cause(ctx)) }) })
	return late, func() {
		stop()
		cancel(nil)
	}
}

// recovery brings a node that a test used back to what it was, from whatever state: its values, no instance,
// available. Each look at the node says what is to be done next, so that any machine can go on where another has
// stopped.
type recovery struct {
	site  *Site
	run   string
	node  string
	state string // what the journal says at the end
	why   string
	eager bool // give the values back as early as Ironic allows it, so that the node is cleaned with them

	cleanings int // how often this recovery has had the node cleaned once more
	last      error
}

func (r *recovery) finish(ctx context.Context, patience time.Duration) error {
	err := r.site.Pace.Wait(ctx, "node "+r.node+" to be as it was", patience, r.step)
	if err != nil && r.last != nil {
		err = fmt.Errorf("%w (%w)", err, r.last)
	}
	if err == nil {
		err = r.site.releaseLocked(ctx, r.run)
	}
	return err
}

// step does the next thing that the node's state asks for.
func (r *recovery) step(ctx context.Context) (done bool, err error) {
	n, err := r.site.Nodes.Node(ctx, r.node)
	if err != nil {
		return false, err
	}
	j, err := journalOf(n)
	if err != nil {
		return false, err
	}
	e := j.of(r.run)
	ours, err := r.ours(ctx, n, e)
	if err != nil {
		return false, err
	}
	switch {
	case e != nil && e.State == Testing && r.mayRestore(n, ours):
		err = r.patch(ctx, n, j, *e, !ours && (n.InstanceID != "" || n.ProvisionState == ironic.Available && !e.Provided))
	case ours:
		err = r.endInstance(ctx, n, e)
	case e == nil || !e.open():
		return true, nil
	case n.InstanceID != "": // somebody else's: only the values are ours
		err = r.patch(ctx, n, j, *e, true)
	default:
		err = r.ready(ctx, n, j, *e)
	}
	switch {
	case fault.Is(err, fault.Conflict): // locked, or in transition since it was read
		r.last, err = err, nil
	case err != nil:
		// What suits one state is refused in the next.
		if now, e := r.site.Nodes.Node(ctx, r.node); e == nil && now.ProvisionState != n.ProvisionState {
			r.last, err = err, nil
		}
	}
	return false, err
}

// mayRestore reports whether it is time to give the values back: at once if the pair has failed, and else when the
// node has been cleaned with it.
func (r *recovery) mayRestore(n *ironic.Node, ours bool) bool {
	if !n.Updatable() {
		return false
	}
	return r.eager || !ours && (n.InstanceID != "" || n.ProvisionState == ironic.Available)
}

// patch gives the values back. If something else has changed them since, they stay.
func (r *recovery) patch(ctx context.Context, n *ironic.Node, j journal, e Entry, last bool) error {
	to := e.Before
	if is := refsOf(n); e.State == Testing && is != e.Set {
		to = is
		e.Why = "the values were changed since: " + is.String()
	}
	if e.State == Restoring {
		to = refsOf(n)
	}
	e.State = Restoring
	if last {
		e.State = r.state
	}
	if r.why != "" {
		e.Why = r.why
	}
	p := patch(n, to, j.with(e))
	if _, there := n.InstanceInfo["image_source"]; there && n.InstanceID == r.run && n.ProvisionState == ironic.Available {
		p = append(p, ironic.Op{Op: "remove", Path: "/instance_info/image_source"})
	}
	_, err := r.site.Nodes.Patch(ctx, n.ID, p)
	return err
}

// endInstance removes what the test runs on the node.
func (r *recovery) endInstance(ctx context.Context, n *ironic.Node, e *Entry) error {
	if e != nil && e.Compute {
		return r.site.askDeleteServers(ctx, r.run)
	}
	switch n.ProvisionState {
	case ironic.Available:
		return r.site.release(ctx, r.run)
	case ironic.Active, ironic.DeployFailed, ironic.DeployWait, ironic.Failed:
		return r.site.undeploy(ctx, n.ID)
	}
	return nil // on its way
}

// ready brings a node without an instance to the state available, or to manageable if it was that.
func (r *recovery) ready(ctx context.Context, n *ironic.Node, j journal, e Entry) error {
	switch n.ProvisionState {
	case ironic.Available:
		if e.Provided {
			return r.provision(ctx, n, "manage", ironic.Manageable)
		}
		return r.patch(ctx, n, j, e, true)
	case ironic.CleanWait:
		if r.eager && e.State == Testing { // it is waiting for the pair that has failed
			return r.provision(ctx, n, "abort", ironic.CleanFailed)
		}
	case ironic.CleanFailed:
		if r.cleanings++; r.cleanings > 1 {
			return fault.New(fault.Internal, "", "node %s can't be cleaned with its own images either: %s", n, n.LastError)
		}
		return r.provision(ctx, n, "manage", ironic.Manageable)
	case ironic.Manageable:
		if n.Maintenance && n.Fault == "clean failure" {
			if err := r.site.Nodes.ClearMaintenance(ctx, n.ID); err != nil {
				return err
			}
		}
		if e.Provided {
			return r.patch(ctx, n, j, e, true)
		}
		return r.provision(ctx, n, "provide", ironic.Cleaning, ironic.CleanWait, ironic.Available)
	}
	return nil
}

func (r *recovery) provision(ctx context.Context, n *ironic.Node, verb string, then ...string) error {
	return r.site.Nodes.Provision(ctx, n.ID, verb, nil, func(n *ironic.Node) bool {
		return slices.Contains(then, n.ProvisionState)
	})
}

// ours reports whether the node's instance is the run's.
func (r *recovery) ours(ctx context.Context, n *ironic.Node, e *Entry) (bool, error) {
	if n.InstanceID == r.run {
		return true, nil
	}
	if e == nil || !e.Compute || r.site.Compute == nil {
		return false, nil
	}
	servers, err := r.site.servers(ctx, r.run)
	return len(servers) > 0, err
}

// releaseLocked removes the run's reservations, also while something else has their node locked for a moment.
func (s *Site) releaseLocked(ctx context.Context, run string) error {
	var locked error
	err := s.Pace.Wait(ctx, "the reservations of run "+run+" to be removed", stopTime, func(ctx context.Context) (bool, error) {
		err := s.release(ctx, run)
		if fault.Is(err, fault.Conflict) {
			locked = err
			return false, nil
		}
		return err == nil, err
	})
	if err != nil && locked != nil {
		err = fmt.Errorf("%w (%w)", err, locked)
	}
	return err
}

// release removes the run's reservations.
func (s *Site) release(ctx context.Context, run string) error {
	refused := s.Nodes.Deallocate(ctx, run)
	if refused != nil && !fault.Is(refused, fault.Conflict) {
		return refused
	}
	held, err := s.Nodes.Nodes(ctx, []string{"uuid", "provision_state", "instance_uuid"}, url.Values{"instance_uuid": {run}})
	if err != nil {
		return err
	}
	for _, n := range held {
		if n.InstanceID != run || n.ProvisionState != ironic.Available {
			continue
		}
		if _, err := s.Nodes.Patch(ctx, n.ID, ironic.Patch{{Op: "remove", Path: "/instance_uuid"}}); err != nil {
			return err
		}
	}
	if refused != nil { // the node was in use, and may not be any more
		if err := s.Nodes.Deallocate(ctx, run); err != nil {
			return err
		}
	}
	if s.Leases != nil {
		return s.Leases.end(ctx, run)
	}
	return nil
}
