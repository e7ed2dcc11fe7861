package launch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/internal/schedule"
)

// Plan is what is to be done in the clouds of a layout.
type Plan struct {
	options Options
	targets []*target
	turns   turns
}

var (
	_ change.Plan       = (*Plan)(nil)
	_ change.Incomplete = (*Plan)(nil)
)

// Steps are all resources, cloud by cloud.
func (p *Plan) Steps() (all []*Step) {
	for _, t := range p.targets {
		all = append(all, t.steps...)
	}
	return all
}

// Done reports whether all resources are as they are asked for.
func (p *Plan) Done() bool {
	for _, s := range p.Steps() {
		if s.Action != Same {
			return false
		}
	}
	return true
}

// Loss asks about what is gone for good once it is removed.
func (p *Plan) Loss() string {
	var names []string
	for _, s := range p.Steps() {
		if s.Action == Absent && (s.asked == nil || kindOf(s.Kind).loses) {
			names = append(names, fmt.Sprintf("%s %q in %s", kindOf(s.Kind).noun, s.Name, s.Cloud))
		}
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > 5:
		names = append(names[:4], fmt.Sprintf("%d more", len(names)-4))
	}
	return "Remove " + strings.Join(names, ", ") + "?"
}

// Notes are the layout's warnings, and the servers that use keys which were replaced.
func (p *Plan) Notes() (notes []fault.Advice) {
	for _, w := range p.options.Layout.Warnings {
		notes = append(notes, fault.Advise("%s", w))
	}
	for _, s := range p.Steps() {
		if s.verdict.note != "" {
			notes = append(notes, fault.Advise("cloud %q: %s", s.Cloud, s.verdict.note))
		}
	}
	return notes
}

// Rows are a resource each.
func (p *Plan) Rows() (rows []change.Row) {
	for _, s := range p.Steps() {
		if s.Action == Same && s.Outcome == "" && !p.options.Everything {
			continue
		}
		rows = append(rows, change.Row{
			{Key: "cloud", Value: s.Cloud},
			{Key: "kind", Value: s.Kind},
			{Key: "name", Value: s.Name},
			{Key: "action", Value: s.Action},
			{Key: "reason", Value: s.Reason},
			{Key: "outcome", Value: s.Outcome},
			{Key: "resource_id", Value: s.ID},
		})
	}
	return rows
}

// LeftOut are the conflicts, and the clouds that couldn't be read.
func (p *Plan) LeftOut() error {
	return sum(p.failures())
}

func (p *Plan) failures() (errs []error) {
	for _, s := range p.Steps() {
		if s.problem != nil {
			errs = append(errs, s.failure())
		}
	}
	return errs
}

func (s *Step) failure() error { return fmt.Errorf("cloud %q: %w", s.Cloud, s.problem) }

// sum is the error of a whole run: a resource that fails, even if it is the only one, is a part of it.
func sum(errs []error) error {
	if more := len(errs) - told; more > 1 {
		errs = append(errs[:told:told], fmt.Errorf("and %d more", more))
	}
	return fault.Wrap(fault.Partial, "", errors.Join(errs...))
}

// told is how many errors are told at the end; the rows have them all.
const told = 5

// Apply works on all clouds at once, and on the resources of each in turn. One that fails doesn't stop the others:
// fault.Partial.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	p.each(ctx, func(ctx context.Context, t *target) { t.apply(ctx, rep) })
	if ctx.Err() != nil {
		return errors.Join(append([]error{context.Cause(ctx)}, p.failures()...)...)
	}
	return sum(p.failures())
}

// apply judges each resource again in its turn, as others may have changed it, and does what it needs then.
func (t *target) apply(ctx context.Context, rep report.Reporter) {
	if t.cloud == nil {
		return
	}
	idle := true
	for _, s := range t.steps {
		idle = idle && (s.Action == Same || s.Action == Unreachable)
	}
	if idle {
		return
	}
	w := newWorld(t)
	w.rep = rep
	w.prefetch(ctx, t.steps)
	for _, s := range t.steps {
		if ctx.Err() != nil {
			if s.Action != Same && s.problem == nil {
				s.Outcome, s.problem = Failed, errOver
			}
			continue
		}
		w.carryOut(ctx, s)
	}
}

func (w *world) carryOut(ctx context.Context, s *Step) {
	planned := s.Action
	if s.asked != nil {
		w.judge(ctx, s)
	}
	switch {
	case s.problem != nil:
		s.Outcome = Failed
		return
	case s.Action == Same: // or somebody else was first
		if planned != Same {
			s.Outcome = Done
		}
		return
	case s.asked != nil && s.Action == Absent && planned != Absent, s.verdict.do == nil:
		s.conflict(errOver)
		s.Outcome = Failed
		return
	}
	w.rep.Step("%s: %s of %s %q", s.Cloud, doing[s.Action], kindOf(s.Kind).noun, s.Name)
	id, err := s.verdict.do(ctx)
	if err != nil {
		s.problem = fmt.Errorf("%s %q: %w", kindOf(s.Kind).noun, s.Name, err)
		s.Reason, _ = fault.Spell(err, fault.Neutral)
		s.Outcome = Failed
		return
	}
	if id != "" {
		s.ID = id
	}
	s.Outcome = Done
}

var doing = map[string]string{Create: "creation", Update: "update", Absent: "removal"}

// Record adds what the run did to its report.
func (p *Plan) Record(run *schedule.Run) {
	same, unreachable := 0, 0
	for _, s := range p.Steps() {
		switch {
		case s.Action == Same && s.Outcome == "":
			same++
			continue
		case s.Action == Unreachable:
			unreachable++
		}
		run.Add(schedule.Item{
			ID: s.ID, Name: strings.TrimSpace(s.Cloud + " " + s.Kind + " " + s.Name), Action: s.Action, Outcome: s.Outcome,
			Reason: s.Reason,
		})
	}
	run.Gauges = map[string]float64{
		"clouds": float64(len(p.targets)), "clouds_unreachable": float64(unreachable), "resources_same": float64(same),
	}
	run.Help = map[string]string{
		"clouds": "Clouds of the layout.", "clouds_unreachable": "Clouds that couldn't be read.",
		"resources_same": "Resources that were as the layout has them.",
	}
}
