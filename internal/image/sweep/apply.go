package sweep

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

// Result is what a sweep did, in the order of the plan.
type Result struct {
	Removed []*Leftover
	Kept    []*Leftover // taken out of the run's hands since the plan was made
	Left    []*Leftover // that could not be removed
}

// parallel is how many objects are removed at a time.
const parallel = 8

// errKept says that an object no longer belongs to the run.
var errKept = errors.New("it no longer belongs to the run")

func still(want, is cloud.Run) error {
	if want != is {
		return errKept
	}
	return nil
}

// Apply removes what the plan lists: servers first, and what they use once they are gone. What is already
// gone counts as removed. What could not be removed is left to the next sweep; the error, of kind
// fault.Partial, gives the reasons.
func Apply(ctx context.Context, p *Plan, rep report.Reporter) (Result, error) {
	s := &sweeper{plan: p, rep: rep, failed: map[cloud.Run]bool{}}
	keys, first, then := s.split()
	_ = s.all(ctx, keys) // what is left of them is taken once more
	err := errors.Join(s.all(ctx, first), s.all(ctx, then), s.keysAgain(ctx))
	for _, leftovers := range [][]*Leftover{s.result.Removed, s.result.Kept, s.result.Left} {
		order(leftovers)
	}
	switch {
	case ctx.Err() != nil:
		return s.result, fault.Wrap(fault.Cancelled, "sweep again for the rest", errors.Join(context.Cause(ctx), err))
	case err != nil:
		return s.result, fault.Wrap(fault.Partial, "fix the causes, then sweep again", err)
	}
	return s.result, nil
}

type sweeper struct {
	plan *Plan
	rep  report.Reporter

	mu     sync.Mutex
	result Result
	failed map[cloud.Run]bool // runs of which a server is left
}

// split splits the leftovers into key pairs, what else can go at once and what comes after servers.
// Key pairs go first: their deadline is that of their run's other objects.
func (s *sweeper) split() (keys, first, then []*Leftover) {
	servers := map[cloud.Run]bool{}
	for _, l := range s.plan.Leftovers {
		servers[l.Run] = servers[l.Run] || l.Kind == Server
	}
	for _, l := range s.plan.Leftovers {
		switch {
		case l.Kind == KeyPair:
			keys = append(keys, l)
		case l.afterServer && servers[l.Run]:
			then = append(then, l)
		default:
			first = append(first, l)
		}
	}
	return keys, first, then
}

// keysAgain retries the key pairs that are left. The next sweep may find no other object of their runs,
// and so no deadline.
func (s *sweeper) keysAgain(ctx context.Context) error {
	var keys, left []*Leftover
	for _, l := range s.result.Left {
		if l.Kind == KeyPair {
			keys = append(keys, l)
		} else {
			left = append(left, l)
		}
	}
	s.result.Left = left
	return s.all(ctx, keys)
}

func (s *sweeper) all(ctx context.Context, leftovers []*Leftover) error {
	errs := make([]error, len(leftovers))
	group := errgroup.Group{}
	group.SetLimit(parallel)
	for n, l := range leftovers {
		group.Go(func() error {
			errs[n] = s.one(ctx, l)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	return errors.Join(errs...)
}

// one removes a leftover and notes the result.
func (s *sweeper) one(ctx context.Context, l *Leftover) error {
	err := ctx.Err()
	if err == nil && l.afterServer && s.hasFailed(l.Run) {
		err = errors.New("its run's server is left")
	}
	if err == nil {
		s.rep.Step("Removing %s of run %s", l, l.Run)
		err = s.remove(ctx, l)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.result.Removed = append(s.result.Removed, l)
	case errors.Is(err, errKept):
		s.result.Kept = append(s.result.Kept, l)
		s.rep.Warn("%s stays: %v", l, err)
	default:
		s.result.Left = append(s.result.Left, l)
		s.failed[l.Run] = s.failed[l.Run] || l.Kind == Server
		return fmt.Errorf("%s is left: %w", l, err)
	}
	return nil
}

func (s *sweeper) hasFailed(run cloud.Run) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed[run]
}

// remove reads the object once more and removes it if it is still the run's.
func (s *sweeper) remove(ctx context.Context, l *Leftover) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.plan.timeout, fmt.Errorf("not done after %s", s.plan.timeout))
	defer cancel()
	kept := false
	t := &cloud.Thing{
		Kind: l.Kind,
		Delete: func(ctx context.Context, _ string) error {
			err := l.ours(ctx)
			if kept = errors.Is(err, errKept); kept {
				return nil
			}
			if err != nil {
				return err
			}
			return l.remove(ctx)
		},
		Gone: func(ctx context.Context, _ string) (bool, error) {
			if kept || l.gone == nil {
				return true, nil
			}
			return l.gone(ctx)
		},
	}
	err := t.Remove(ctx, l.ID)
	if kept && err == nil {
		return errKept
	}
	return err
}
