package check

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Plan is a check. It is a change.Plan because an active one makes and removes things; its rows have check, region,
// severity, status, what, evidence and remedy.
type Plan struct {
	Report

	o    Options
	envs []*env // one of each region
}

// NewPlan makes all checks that only read.
func NewPlan(ctx context.Context, o Options) (*Plan, error) {
	regions, err := o.regions()
	if err != nil {
		return nil, err
	}
	p := &Plan{o: o, envs: make([]*env, len(regions)), Report: Report{
		Profile: o.Profile, Cloud: o.Test.Name(), Strict: o.Strict, Spelling: o.Spelling,
	}}
	if o.Control != nil {
		p.Control = o.Control.Name()
	}
	if o.Active != nil {
		o.Active = o.Active.complete()
		p.o, p.Run = o, string(o.Active.Run)
	}
	var g errgroup.Group
	for n, region := range regions {
		g.Go(func() (err error) {
			p.envs[n], err = look(ctx, &o, region)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if o.Active != nil {
		for _, e := range p.envs {
			if err := e.named(ctx); err != nil {
				return nil, err
			}
		}
	}
	p.At = time.Now().UTC()
	p.judge(ctx)
	return p, ctx.Err()
}

// judge makes the results of what was read and tried.
func (p *Plan) judge(ctx context.Context) {
	p.Results = nil
	for n, e := range p.envs {
		p.Results = append(p.Results, e.results(ctx, func(k *kind) bool { return !k.global || n == 0 })...)
	}
}

// Done reports whether there is nothing to try.
func (p *Plan) Done() bool { return p.o.Active == nil }

// Loss is none.
func (p *Plan) Loss() string { return "" }

// Notes are what can't be checked.
func (p *Plan) Notes() []fault.Advice { return nil }

// Apply tries what an active check tries, removes what it made, and returns the verdict, see Report.Err. Of kind
// fault.Partial, something that it made may be left.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	if p.o.Active == nil {
		return p.Err()
	}
	var left []error
	for _, e := range p.envs {
		left = append(left, e.try(ctx, rep))
		if ctx.Err() != nil {
			p.interrupt(ctx)
			return fault.Wrap(fault.Cancelled, "", errors.Join(append(left, context.Cause(ctx))...))
		}
	}
	p.judge(ctx)
	if ctx.Err() != nil {
		return fault.Wrap(fault.Cancelled, "", errors.Join(append(left, context.Cause(ctx))...))
	}
	return errors.Join(p.Err(), errors.Join(left...))
}

// LeftOut is the verdict of a dry run.
func (p *Plan) LeftOut() error { return p.Err() }
