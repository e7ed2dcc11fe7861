package baremetal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// stopTime is how long a run that is stopped takes to give the node back. The host waits a little longer.
const stopTime = 45 * time.Second

// run goes through the phases. From the reservation on, whatever fails, the node is given back.
func (t *Test) run(ctx context.Context, rep report.Reporter) error {
	err := t.during(ctx, rep, PhaseReserve, t.reserve)
	for _, step := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{PhaseImages, t.setImages},
		{PhaseValidate, t.validate},
		{PhaseDeploy, t.deploy},
		{PhaseCheck, t.check},
		{PhaseUndeploy, t.undeploy},
		{PhaseClean, t.clean},
	} {
		if err == nil {
			err = t.during(ctx, rep, step.name, step.do)
		}
	}
	for _, p := range t.Phases {
		if p.State == "planned" && p.Name != PhaseRestore {
			p.State = "skipped"
		}
	}
	restored := t.restore(ctx, rep, err)
	switch {
	case restored != nil && err != nil:
		return fault.Wrap(fault.Partial, t.advice(), fmt.Errorf("%w; and node %s didn't get back what it had: %w", err, t.node, restored))
	case restored != nil:
		return fault.Wrap(fault.Partial, t.advice(), fmt.Errorf("node %s didn't get back what it had: %w", t.node, restored))
	}
	return err
}

func (t *Test) advice() fault.Advice {
	return fault.Advise("finish it with %s", fault.Do("ipa", "rollback").With("run", string(t.site.Run)))
}

// during runs one phase, and says how long it took.
func (t *Test) during(ctx context.Context, rep report.Reporter, name string, do func(context.Context) (string, error)) error {
	p := t.phase(name)
	p.Started, p.State, p.Detail = t.site.Now(), "running", ""
	if t.node != nil {
		p.Node = t.node.String()
	}
	begin := time.Now()
	detail, err := do(ctx)
	p.Took = time.Since(begin)
	if t.node != nil {
		p.Node = t.node.String()
	}
	p.State, p.Detail = "passed", detail
	switch {
	case errors.Is(err, errSkip):
		p.State, err = "skipped", nil
	case err != nil:
		p.State, p.Detail = "failed", err.Error()
		err = fault.New(fault.KindOf(err), "", "%s: %w", name, err)
	}
	rep.Step("%-8s  %s  %s%s", name, p.State, p.Took.Round(100*time.Millisecond), behind(p.Detail))
	return err
}

// errSkip says that a phase has nothing to do; its detail says why.
var errSkip = errors.New("nothing to do")

func behind(detail string) string {
	if detail == "" {
		return ""
	}
	return "  " + detail
}

// setImages sets the pair, with the values before in the node's journal, in one request.
func (t *Test) setImages(ctx context.Context) (string, error) {
	before := refsOf(t.node)
	err := t.site.settle(ctx, t.node.ID, t.o.Lock, func(n *ironic.Node) (ironic.Patch, error) {
		j, err := journalOf(n)
		if err != nil {
			return nil, err
		}
		if e := j.open(); e != nil && e.Run != string(t.site.Run) {
			return nil, fault.New(fault.Conflict, "", "run %s is testing the node", e.Run)
		}
		before = refsOf(n)
		provided := j.of(string(t.site.Run)) != nil && j.of(string(t.site.Run)).Provided
		p := patch(n, t.Pair.refs(), j.with(Entry{
			Run: string(t.site.Run), Action: ActionTest, State: Testing, At: t.site.Now().UTC(), Build: t.Pair.Build(),
			Set: t.Pair.refs(), Before: before, Compute: !t.o.Direct, Provided: provided,
		}))
		if t.o.Direct && t.o.Image != "" {
			p = append(p, ironic.Op{Op: "add", Path: "/instance_info/image_source", Value: t.o.Image})
		}
		return p, nil
	}, &t.baseline)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("before: %s", before), nil
}

func (r Refs) String() string {
	switch {
	case r == Refs{}:
		return "the conductor's default"
	case r.Kernel == "" || r.Ramdisk == "":
		return fmt.Sprintf("half a pair, kernel %q and ramdisk %q", r.Kernel, r.Ramdisk)
	}
	return fmt.Sprintf("kernel %s, ramdisk %s", r.Kernel, r.Ramdisk)
}

// validate asks Ironic whether the node can be deployed as it is now.
func (t *Test) validate(ctx context.Context) (string, error) { return "", t.site.valid(ctx, t.node) }

// valid is an error if Ironic can't boot or deploy the node as it is.
func (s *Site) valid(ctx context.Context, n *ironic.Node) error {
	bad, err := s.Nodes.Validate(ctx, n.ID)
	if err != nil {
		return err
	}
	for _, name := range []string{"boot", "deploy"} {
		if why, is := bad[name]; is {
			return fault.New(fault.Internal, "", "Ironic says of node %s that it can't %s: %s", n, name, why)
		}
	}
	return nil
}

// undeploy ends the instance.
func (t *Test) undeploy(ctx context.Context) (string, error) {
	if !t.o.Direct {
		return "", t.site.deleteServers(ctx, string(t.site.Run), t.o.Clean)
	}
	return "", t.unlocked(ctx, func(ctx context.Context) error { return t.site.undeploy(ctx, t.node.ID) })
}

// unlocked does something to the node, as soon as nothing else holds its lock.
func (t *Test) unlocked(ctx context.Context, do func(context.Context) error) error {
	var last error
	err := t.site.Pace.Wait(ctx, "the lock of node "+t.node.String(), t.o.Lock, func(ctx context.Context) (bool, error) {
		err := do(ctx)
		if fault.Is(err, fault.Conflict) {
			last = err
			return false, nil
		}
		return err == nil, err
	})
	if err != nil && last != nil && fault.Is(err, fault.Unavailable) {
		err = fault.New(fault.Conflict, "", "%w: %w", err, last)
	}
	return err
}

func (s *Site) undeploy(ctx context.Context, id string) error {
	return s.Nodes.Provision(ctx, id, "deleted", nil, func(n *ironic.Node) bool {
		return n.TargetState == ironic.Available || n.ProvisionState == ironic.Available
	})
}

// clean waits until the node is cleaned: the second half of what a deploy ramdisk is for.
func (t *Test) clean(ctx context.Context) (string, error) {
	var saw bool
	n, err := t.await(ctx, "the cleaning of node "+t.node.String(), t.o.Clean, func(n *ironic.Node) (bool, error) {
		switch n.ProvisionState {
		case ironic.Cleaning, ironic.CleanWait:
			saw = true
		case ironic.CleanFailed, ironic.Failed:
			return false, fault.New(fault.Internal, "", "the node is in state %s: %s", n.ProvisionState, n.LastError)
		}
		return n.ProvisionState == ironic.Available, nil
	})
	switch {
	case err != nil:
		return "", err
	case n.AutomatedClean != nil && !*n.AutomatedClean:
		return "automated cleaning is off for this node", errSkip
	case !saw:
		return "no cleaning was seen", nil
	}
	return "", nil
}

// await polls the node.
func (t *Test) await(ctx context.Context, what string, timeout time.Duration, probe func(*ironic.Node) (bool, error)) (*ironic.Node,
	error,
) {
	var n *ironic.Node
	err := t.site.Pace.Wait(ctx, what, timeout, func(ctx context.Context) (bool, error) {
		var err error
		if n, err = t.site.Nodes.Node(ctx, t.node.ID); err != nil {
			return false, err
		}
		return probe(n)
	})
	if err != nil && n != nil && fault.Is(err, fault.Unavailable) {
		err = fmt.Errorf("%w (the node is in state %s)", err, n.ProvisionState)
	}
	return n, err
}

// settle patches a node as soon as it is neither locked nor in transition. Each try begins with the node as it is;
// into, if not nil, gets the node as the patch has left it.
func (s *Site) settle(ctx context.Context, id string, patience time.Duration, compose func(*ironic.Node) (ironic.Patch, error),
	into **ironic.Node,
) error {
	var last error
	err := s.Pace.Wait(ctx, "node "+id+" to accept changes", patience, func(ctx context.Context) (bool, error) {
		n, err := s.Nodes.Node(ctx, id)
		if err != nil {
			return false, err
		}
		p, err := compose(n)
		if err != nil || len(p) == 0 {
			return err == nil, err
		}
		now, err := s.Nodes.Patch(ctx, id, p)
		if fault.Is(err, fault.Conflict) {
			last = err
			return false, nil
		}
		if err == nil && into != nil {
			*into = now
		}
		return err == nil, err
	})
	if err != nil && last != nil && fault.Is(err, fault.Unavailable) {
		err = fault.New(fault.Conflict, "", "%w: %w", err, last)
	}
	return err
}
