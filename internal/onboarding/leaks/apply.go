package leaks

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// parallel is how many objects are removed at a time.
const parallel = 8

// Apply removes the leaks. One that is in use by now stays; one that is gone counts as removed. What can't be removed
// doesn't stop the others; the error is then fault.Partial.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	p.outcomes = map[*Leak]string{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(parallel)
	errs := make([]error, len(p.Leaks))
	for n, l := range p.Leaks {
		group.Go(func() error {
			outcome, err := p.one(ctx, l, rep)
			mu.Lock()
			defer mu.Unlock()
			p.outcomes[l], errs[n] = outcome, err
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	err := errors.Join(errs...)
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(fault.Cancelled, "run it again for the rest", errors.Join(context.Cause(ctx), err))
	case err != nil:
		err = fault.Wrap(fault.Partial, "fix the causes, then run it again", err)
	}
	return errors.Join(err, p.LeftOut())
}

// one reads a leak once more and removes it.
func (p *Plan) one(ctx context.Context, l *Leak, rep report.Reporter) (outcome string, err error) {
	if err := ctx.Err(); err != nil {
		return "left", fmt.Errorf("%s is left: %w", l, context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("not done after %s", p.timeout))
	defer cancel()
	kept := false
	t := &cloud.Thing{
		Kind: l.Kind,
		Delete: func(ctx context.Context, _ string) error {
			still, err := l.still(ctx)
			if kept = err == nil && !still; err != nil || kept {
				return err
			}
			rep.Step("Removing %s", l)
			return l.remove(ctx)
		},
		Gone: func(ctx context.Context, _ string) (bool, error) {
			if kept || l.gone == nil {
				return true, nil
			}
			return l.gone(ctx)
		},
	}
	switch err := t.Remove(ctx, l.ID); {
	case err != nil:
		return "left", fmt.Errorf("%s is left: %w", l, err)
	case kept:
		rep.Warn("%s stays: it is in use by now", l)
		return "kept", nil
	}
	return "removed", nil
}
