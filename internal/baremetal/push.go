package baremetal

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// PushOptions say how to roll a pair out.
type PushOptions struct {
	Selection
	PairOptions

	Canary      int           // so many nodes first, one after the other; default 1
	Batch       string        // then so many at a time, a number or a percentage; default 10%
	MaxFail     int           // how many nodes may fail before the rest is left alone
	Active      bool          // include active nodes
	Maintenance bool          // include nodes in maintenance
	Patience    time.Duration // how long to wait for nodes that are locked or in transition
}

// DefaultPatience is how long a push waits for nodes that are locked or in transition.
const DefaultPatience = 10 * time.Minute

// States of a node in a push.
const (
	ToPush    = "to push"
	Unchanged = "unchanged"
	Skipped   = "skipped"
	Failed    = "failed"
	NotPushed = "not pushed"
)

// Push is the plan of a rollout.
type Push struct {
	Pair  *Pair
	Nodes []*Target

	site  *Site
	o     PushOptions
	batch int
	tried bool
	valid map[string]bool // kinds of nodes that Ironic has found valid with the pair
	dead  string          // the run of a push of the same pair that has left its claim, and nothing to push
}

// Target is a node of a rollout or a rollback.
type Target struct {
	Node   *ironic.Node
	Before Refs
	After  Refs
	State  string
	Detail string

	took time.Duration
	err  error
	run  string // of a rollback
	ends bool   // the rollback ends a test
}

// NewPush plans a rollout.
func NewPush(ctx context.Context, s *Site, o PushOptions) (*Push, error) {
	if err := o.Selection.check(); err != nil {
		return nil, err
	}
	pair, err := s.Pair(ctx, o.PairOptions)
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodes(ctx, o.Selection)
	if err != nil {
		return nil, err
	}
	return newPush(ctx, s, pair, nodes, o)
}

func newPush(ctx context.Context, s *Site, pair *Pair, nodes []*ironic.Node, o PushOptions) (*Push, error) {
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	p := &Push{Pair: pair, site: s, o: o, valid: map[string]bool{}}
	for _, n := range nodes {
		t, err := p.judge(n)
		if err != nil {
			return nil, err
		}
		p.Nodes = append(p.Nodes, t)
	}
	// The nodes that can be changed at once come first.
	slices.SortStableFunc(p.Nodes, func(a, b *Target) int { return rank(a.Node) - rank(b.Node) })
	var err error
	p.batch, err = batchSize(o.Batch, len(p.todo()))
	if err == nil && o.Canary < 0 {
		err = fault.Bad("canary", "", "%d is negative", o.Canary)
	}
	if err == nil && o.MaxFail < 0 {
		err = fault.Bad("max_fail", "", "%d is negative", o.MaxFail)
	}
	if err == nil && len(p.todo()) == 0 {
		p.dead, err = p.leftClaim(ctx)
	}
	return p, err
}

// judge says what is to be done with a node.
func (p *Push) judge(n *ironic.Node) (*Target, error) {
	t := &Target{Node: n, Before: refsOf(n), After: p.Pair.refs(), State: ToPush}
	skip := func(why string) { t.State, t.Detail, t.After = Skipped, why, t.Before }
	j, err := journalOf(n)
	e := j.open()
	switch {
	case t.Before == t.After:
		t.State = Unchanged
	case err != nil:
		skip(err.Error())
	case e != nil && e.Run != string(p.site.Run):
		skip("being tested by run " + e.Run)
	case n.Maintenance && !p.o.Maintenance:
		skip("in maintenance")
	case n.ProvisionState == ironic.Active && !p.o.Active:
		skip("active")
	default:
		return t, p.Pair.fits(n)
	}
	return t, nil
}

func rank(n *ironic.Node) int {
	switch {
	case !n.Updatable() || n.Reservation != "":
		return 2
	case n.ProvisionState != ironic.Available:
		return 1
	}
	return 0
}

// batchSize is how many nodes are changed at a time.
func batchSize(text string, nodes int) (int, error) {
	if text == "" {
		text = "10%"
	}
	percent, is := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(percent)
	if err != nil || n < 1 || is && n > 100 {
		return 0, fault.Bad("batch", "", "%q is neither a number of nodes from 1 nor a percentage from 1%% to 100%%", text)
	}
	if is {
		return max(1, (nodes*n+99)/100), nil
	}
	return n, nil
}

func (p *Push) todo() (targets []*Target) {
	for _, t := range p.Nodes {
		if t.State == ToPush {
			targets = append(targets, t)
		}
	}
	return targets
}

// Done reports whether there is, or was, nothing to push.
func (p *Push) Done() bool { return !p.tried && len(p.todo()) == 0 && p.dead == "" }

// Loss is none.
func (p *Push) Loss() string { return "" }

// Notes say what is left out.
func (p *Push) Notes() []fault.Advice {
	skipped := map[string]int{}
	for _, t := range p.Nodes {
		if t.State == Skipped {
			skipped[t.Detail]++
		}
	}
	var notes []fault.Advice
	if p.dead != "" {
		notes = append(notes, fault.Advise("run %s pushed these images and left its claim, which keeps other pushes out; "+
			"this push removes it", p.dead))
	}
	if n := skipped["active"]; n > 0 {
		notes = append(notes, fault.Advise("left out, because they are active: %d; to include them, set %s", n,
			fault.Set("include_active", true)))
	}
	if n := skipped["in maintenance"]; n > 0 {
		notes = append(notes, fault.Advise("left out, because they are in maintenance: %d; to include them, set %s", n,
			fault.Set("include_maintenance", true)))
	}
	return notes
}

// Rows are a node each.
func (p *Push) Rows() []change.Row {
	rows := make([]change.Row, len(p.Nodes))
	for n, t := range p.Nodes {
		rows[n] = t.row()
	}
	return rows
}

func (t *Target) row() change.Row {
	return change.Row{
		{Key: "node_id", Value: t.Node.ID},
		{Key: "node", Value: t.Node.Name},
		{Key: "state", Value: t.State},
		{Key: "kernel_before", Value: t.Before.Kernel},
		{Key: "ramdisk_before", Value: t.Before.Ramdisk},
		{Key: "kernel", Value: t.After.Kernel},
		{Key: "ramdisk", Value: t.After.Ramdisk},
		{Key: "detail", Value: t.Detail},
	}
}

func (t *Target) fail(err error) {
	t.State, t.Detail, t.After, t.err = Failed, err.Error(), t.Before, fmt.Errorf("node %s: %w", t.Node, err)
}
