package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Undo is a stack of undo functions. Each step adds its own before it sends its request, so that a step
// whose response was lost is undone as well. Undoing a step that was never done, or is already undone,
// must change nothing. Undo is safe for concurrent use.
type Undo struct {
	mu    sync.Mutex
	steps []*Step
}

// Step is one entry of the stack.
type Step struct {
	mu     sync.Mutex
	what   string
	undo   func(context.Context) (changed bool, err error)
	voided bool
}

const (
	undoTime = 2 * time.Minute // for undoing, after the caller's context has ended
	weary    = 2               // tries, once retrying hasn't helped
)

var undoRetry = Retry{Tries: 6, First: 100 * time.Millisecond, Most: 5 * time.Second}

// Add adds the undo of a step; what completes "undoing ...". undo returns whether there was anything to
// undo.
func (u *Undo) Add(what string, undo func(context.Context) (changed bool, err error)) *Step {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := &Step{what: what, undo: undo}
	u.steps = append(u.steps, s)
	return s
}

// Void marks the step as having changed nothing.
func (s *Step) Void() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.voided = true
}

func (s *Step) counts() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.voided
}

// TakeBack undoes all steps, newest first, and returns why; changed reports whether there was anything
// to undo. It has a deadline of its own, even if ctx was cancelled. If something can't be undone, the
// error has kind fault.Partial, names it, and carries the advice.
func (u *Undo) TakeBack(ctx context.Context, why error, advice fault.Advice) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	changed, left := u.run(ctx)
	if len(left) == 0 {
		// A request whose response was lost may have taken effect late: look once more.
		var late bool
		late, left = u.run(ctx)
		changed = changed || late
	}
	if len(left) == 0 {
		return changed, why
	}
	return changed, fault.Wrap(fault.Partial, advice, fmt.Errorf("%w; and the rollback failed: %w", why, errors.Join(left...)))
}

func (u *Undo) run(ctx context.Context) (changed bool, left []error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	retry := undoRetry
	for _, s := range slices.Backward(u.steps) {
		if !s.counts() {
			continue
		}
		err := retry.Do(ctx, func(ctx context.Context) error {
			did, err := s.undo(ctx)
			changed = changed || did
			return err
		})
		if err != nil {
			left = append(left, fmt.Errorf("undoing %s: %w", s.what, err))
			retry.Tries = weary
		}
	}
	return changed, left
}
