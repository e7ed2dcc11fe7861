package baremetal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// TestOptions say what to test, and where.
type TestOptions struct {
	Selection
	PairOptions

	Direct  bool   // let Ironic deploy the node, not Nova
	Provide bool   // if no node is available, make a manageable one available for the test
	Image   string // id or name of the image that is deployed
	Server  ServerOptions

	Checks  []string // names of checks that an active node has to pass; nil = DefaultChecks
	Console string   // regular expression that a line of the server's console has to match, too; "" = any console

	Deploy, Clean time.Duration // the longest that each may take
	Lock          time.Duration // how long to wait for a node that is locked

	// Push rolls the pair out after it has passed; nil doesn't.
	Push *PushOptions

	marker *regexp.Regexp // of Console
}

// DefaultTimes are the longest that a real machine should take.
const (
	DefaultDeploy = 30 * time.Minute
	DefaultClean  = 30 * time.Minute
	DefaultLock   = 5 * time.Minute
)

// Test is the plan of a test.
type Test struct {
	Pair   *Pair
	Phases []*Phase

	site       *Site
	o          TestOptions
	candidates []*ironic.Node
	node       *ironic.Node // the one that is tested
	baseline   *ironic.Node // the same, before it is deployed
	push       *Push
	failure    error
}

// Phase is one part of a test.
type Phase struct {
	Name    string
	Node    string
	State   string // planned, running, passed, failed or skipped
	Took    time.Duration
	Detail  string
	Started time.Time
}

// The phases of a test, in their order.
const (
	PhaseReserve  = "reserve"
	PhaseImages   = "images"
	PhaseValidate = "validate"
	PhaseDeploy   = "deploy"
	PhaseCheck    = "check"
	PhaseUndeploy = "undeploy"
	PhaseClean    = "clean"
	PhaseRestore  = "restore"
)

var phases = []string{
	PhaseReserve, PhaseImages, PhaseValidate, PhaseDeploy, PhaseCheck, PhaseUndeploy, PhaseClean, PhaseRestore,
}

// NewTest plans a test: it finds the pair and the nodes that are free for it.
func NewTest(ctx context.Context, s *Site, o TestOptions) (*Test, error) {
	o.complete()
	if err := errors.Join(o.Selection.check(), checkNames(o.Checks), o.checkServer()); err != nil {
		return nil, err
	}
	t := &Test{site: s, o: o}
	var err error
	if t.Pair, err = s.Pair(ctx, o.PairOptions); err != nil {
		return nil, err
	}
	nodes, err := s.nodes(ctx, o.Selection)
	if err != nil {
		return nil, err
	}
	if t.candidates, err = free(nodes, o.Selection, o.Provide); err != nil {
		return nil, err
	}
	if err := t.Pair.fits(t.candidates[0]); err != nil {
		return nil, err
	}
	if err := t.deployable(ctx); err != nil {
		return nil, err
	}
	names := make([]string, len(t.candidates))
	for n, c := range t.candidates {
		names[n] = c.String()
	}
	for _, name := range phases {
		t.Phases = append(t.Phases, &Phase{Name: name, State: "planned"})
	}
	t.phase(PhaseReserve).Detail = "one of " + strings.Join(names, ", ")
	t.phase(PhaseImages).Detail = fmt.Sprintf("kernel %s, ramdisk %s", t.Pair.Kernel, t.Pair.Ramdisk)
	if o.Push != nil {
		if t.push, err = newPush(ctx, s, t.Pair, nodes, *o.Push); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (o *TestOptions) complete() {
	if o.Checks == nil {
		o.Checks = DefaultChecks
	}
	for value, def := range map[*time.Duration]time.Duration{&o.Deploy: DefaultDeploy, &o.Clean: DefaultClean, &o.Lock: DefaultLock} {
		if *value <= 0 {
			*value = def
		}
	}
}

// free are the nodes that a test may use: those that are available, or, with provide, else those that are manageable.
// None is fault.Conflict, which says what the nodes are doing.
func free(nodes []*ironic.Node, sel Selection, provide bool) ([]*ironic.Node, error) {
	var found, manageable []*ironic.Node
	busy := map[string][]string{}
	for _, n := range nodes {
		if why := occupied(n); why != "" {
			busy[why] = append(busy[why], n.String())
			if why == ironic.Manageable && n.InstanceID == "" {
				manageable = append(manageable, n)
			}
			continue
		}
		found = append(found, n)
	}
	if len(found) > 0 {
		return found, nil
	}
	advice := fault.Advise("wait until one is free, or name another type")
	switch {
	case provide && len(manageable) > 0:
		return manageable, nil
	case len(manageable) > 0:
		advice = fault.Advise("to test on a manageable node, set %s", fault.Set("provide", true))
	}
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(busy)) {
		parts = append(parts, fmt.Sprintf("%s: %s", why, strings.Join(busy[why], ", ")))
	}
	return nil, fault.New(fault.Conflict, advice, "no free node of %s (%s)", sel,
		strings.Join(parts, "; "))
}

// occupied is why a test can't use a node, "" if it can.
func occupied(n *ironic.Node) string {
	j, err := journalOf(n)
	e := j.open()
	switch {
	case err != nil:
		return err.Error()
	case e != nil:
		return "being tested by run " + e.Run
	case n.Maintenance:
		return "in maintenance"
	case n.ProvisionState != ironic.Available:
		return n.ProvisionState
	case n.InstanceID != "":
		return "reserved"
	}
	return ""
}

// Done reports whether there is nothing to do: a test always has.
func (t *Test) Done() bool { return false }

// Loss asks before a node is cleaned that isn't available. One that is has no data.
func (t *Test) Loss() string { return t.cleans() }

// Notes are what people should know.
func (t *Test) Notes() []fault.Advice {
	if t.push != nil {
		return t.push.Notes()
	}
	return nil
}

// Rows are a phase each, and a node each if the pair is pushed.
func (t *Test) Rows() []change.Row {
	var rows []change.Row
	for _, p := range t.Phases {
		rows = append(rows, p.row())
	}
	if t.push != nil {
		for _, n := range t.push.Nodes {
			rows = append(rows, (&Phase{Name: "push", Node: n.Node.String(), State: n.State, Took: n.took, Detail: n.Detail}).row())
		}
	}
	return rows
}

func (p *Phase) row() change.Row {
	return change.Row{
		{Key: "phase", Value: p.Name},
		{Key: "node", Value: p.Node},
		{Key: "state", Value: p.State},
		{Key: "took", Value: p.Took.Round(time.Millisecond)},
		{Key: "detail", Value: p.Detail},
	}
}

func (t *Test) phase(name string) *Phase {
	return t.Phases[slices.IndexFunc(t.Phases, func(p *Phase) bool { return p.Name == name })]
}

// Apply runs the test. Whatever happens, the node gets back what it had.
func (t *Test) Apply(ctx context.Context, rep report.Reporter) error {
	t.failure = t.run(ctx, rep)
	if t.failure == nil && t.push != nil {
		t.failure = t.push.Apply(ctx, rep)
	}
	return t.failure
}
