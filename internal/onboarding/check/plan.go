package check

import (
	"context"
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
	p.At = time.Now().UTC()
	p.judge(ctx)
	return p, ctx.Err()
}

// judge makes the results of what was read and tried.
func (p *Plan) judge(ctx context.Context) {
	p.Results = nil
	for n, e := range p.envs {
		p.Results = append(p.Results, e.results(ctx, n == 0)...)
	}
}

// Done reports whether there is nothing to try.
func (p *Plan) Done() bool { return p.o.Active == nil }

// Loss is none.
func (p *Plan) Loss() string { return "" }

// Notes are what can't be checked.
func (p *Plan) Notes() []fault.Advice { return nil }

// Apply tries what an active check tries, and returns the verdict, see Report.Err.
func (p *Plan) Apply(context.Context, report.Reporter) error { return p.Err() }

// LeftOut is the verdict of a dry run.
func (p *Plan) LeftOut() error { return p.Err() }
