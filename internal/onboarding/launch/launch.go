// Package launch makes the resources of a layout in clouds: what is missing is created, what differs is updated,
// what is to be absent is removed, and nothing else is touched. A resource that differs in what can't be changed is
// a conflict, which doesn't stop the others; neither does a cloud that can't be reached.
//
// Each kind of resource is declared in one place: its fields, how it is found, and what is particular about it.
package launch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// MarkKey marks what was made for a layout's cloud; the value is the cloud's name in the layout. It is in the metadata
// of servers and volumes, in the properties of images, and in the description of what Neutron has.
const MarkKey = "imgctl_launch"

// Options say what to launch, and where.
type Options struct {
	Layout *layout.Layout
	// Open signs in to an entry of clouds.yaml, for a region; "" is the entry's.
	Open func(ctx context.Context, entry, region string) (*cloud.Cloud, error)
	Only []string // kinds of resources; none means all
	// PruneTagged also removes what was made for the same cloud of a layout, and is no longer listed.
	PruneTagged bool
	Everything  bool // the rows have what is the same, too
	Parallel    int  // clouds at a time; default 8
}

const parallel = 8

// CheckKinds refuses a kind of resource that there isn't.
func CheckKinds(only []string) error {
	for _, name := range only {
		if !slices.Contains(layout.Kinds(), name) {
			return fault.Bad("only", "", "%q is no kind of resource; kinds are %s", name, strings.Join(layout.Kinds(), ", "))
		}
	}
	return nil
}

// NewPlan reads the clouds, all at once, and finds out what is to be done. A cloud that can't be read has one row that
// says why; Plan.LeftOut and Apply tell it.
func NewPlan(ctx context.Context, o Options) (*Plan, error) {
	if err := CheckKinds(o.Only); err != nil {
		return nil, err
	}
	p := &Plan{options: o}
	for _, c := range o.Layout.Clouds {
		p.targets = append(p.targets, &target{asked: c, options: &p.options})
	}
	p.each(ctx, func(ctx context.Context, t *target) {
		if err := t.plan(ctx); err != nil {
			t.unreachable(err)
		}
	})
	return p, ctx.Err()
}

// each works on the clouds at once, those of the same project and region in turn: they share what they change.
func (p *Plan) each(ctx context.Context, do func(context.Context, *target)) {
	most := p.options.Parallel
	if most <= 0 {
		most = parallel
	}
	group := errgroup.Group{}
	group.SetLimit(most)
	for _, t := range p.targets {
		group.Go(func() error {
			unlock := p.turns.lock(t.asked.Entry + "\x00" + t.asked.Region)
			defer unlock()
			if ctx.Err() == nil {
				do(ctx, t)
			}
			return nil
		})
	}
	_ = group.Wait() // each target keeps its own errors
}

// turns are locks by name.
type turns struct {
	mu  sync.Mutex
	all map[string]*sync.Mutex
}

func (s *turns) lock(name string) (unlock func()) {
	s.mu.Lock()
	if s.all == nil {
		s.all = map[string]*sync.Mutex{}
	}
	one := s.all[name]
	if one == nil {
		one = &sync.Mutex{}
		s.all[name] = one
	}
	s.mu.Unlock()
	one.Lock()
	return one.Unlock
}

// target is one cloud of the layout.
type target struct {
	asked   layout.Cloud
	options *Options
	cloud   *cloud.Cloud
	steps   []*Step
}

// Step is one resource of a plan.
type Step struct {
	Cloud   string // the layout's
	Kind    string
	Name    string
	Action  string
	Reason  string
	ID      string // in the cloud; "" as long as it isn't there
	Outcome string

	asked   *layout.Resource // nil of what the layout doesn't list
	verdict verdict
	problem error
}

// Actions of a step.
const (
	Create      = "create"
	Update      = "update"
	Same        = "same"
	Absent      = "absent"      // it is removed
	Conflict    = "conflict"    // it can't be made as it is asked for
	Unreachable = "unreachable" // of a cloud
)

// Outcomes of a step.
const (
	Done   = "done"
	Failed = "failed"
)

// unreachable is the one step of a cloud that couldn't be read.
func (t *target) unreachable(err error) {
	text, _ := fault.Spell(err, fault.Neutral)
	t.steps = []*Step{{Cloud: t.asked.Name, Action: Unreachable, Reason: text, problem: err}}
}

// plan judges all resources in the order in which they will be made.
func (t *target) plan(ctx context.Context) error {
	c, err := t.options.Open(ctx, t.asked.Entry, t.asked.Region)
	if err != nil {
		return err
	}
	t.cloud = c
	if c.Project().ID == "" {
		return fault.New(fault.Usage, "use credentials of a project", "the credentials for cloud %q are for no project", c.Name())
	}
	w := newWorld(t)
	w.planning = true
	steps := t.ordered()
	w.prefetch(ctx, steps)
	for _, s := range steps {
		w.judge(ctx, s)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.Action == Create {
			w.expected[s.Kind+"\x00"+s.Name] = true
		}
		if s.Kind == rules.name && s.ID != "" {
			w.told[s.ID] = true
		}
	}
	t.steps = steps
	if t.options.PruneTagged {
		extra, err := w.untold(ctx)
		if err != nil {
			return err
		}
		t.steps = append(t.steps, extra...)
	}
	return nil
}

// ordered are the steps in the order in which they are carried out: what is to be there, as listed; then what is to be
// absent, last kind first, because resources hold on to those that they were made of. Rules are removed in their turn.
func (t *target) ordered() []*Step {
	var steps, last []*Step
	for n := range t.asked.Resources {
		r := &t.asked.Resources[n]
		if len(t.options.Only) > 0 && !slices.Contains(t.options.Only, r.Kind) {
			continue
		}
		s := &Step{Cloud: t.asked.Name, Kind: r.Kind, Name: r.Name, asked: r}
		if r.Absent && r.Kind != "security_groups_rules" {
			last = append(last, s)
		} else {
			steps = append(steps, s)
		}
	}
	slices.Reverse(last)
	return append(steps, last...)
}

// judge finds out what a step needs.
func (w *world) judge(ctx context.Context, s *Step) {
	k := kindOf(s.Kind)
	v, err := k.judge(ctx, w, k, s.asked)
	if err != nil {
		s.conflict(err)
		return
	}
	s.verdict, s.problem = v, nil
	s.Action, s.Reason, s.ID = v.action, v.reason, v.id
}

func (s *Step) conflict(err error) {
	s.verdict, s.Action, s.problem = verdict{}, Conflict, fmt.Errorf("%s %q: %w", kindOf(s.Kind).noun, s.Name, err)
	s.Reason, _ = fault.Spell(err, fault.Neutral)
}

var errOver = errors.New("the run was ended")
