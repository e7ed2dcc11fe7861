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

// Undo is how to take back what was done: a stack to which each step adds its undo before its
// request is sent, so that a step whose answer never came is taken back as well. Undoing a step that
// was never done, or that is undone already, has to change nothing. It is safe for concurrent use.
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
	undoTime = 2 * time.Minute // for taking back, after the caller's time is over
	weary    = 2               // tries, once trying again hasn't helped
)

var undoRetry = Retry{Tries: 6, First: 100 * time.Millisecond, Most: 5 * time.Second}

// Add notes how to take a step back; what completes "undoing ...". undo tells whether there was
// anything to take back.
func (u *Undo) Add(what string, undo func(context.Context) (changed bool, err error)) *Step {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := &Step{what: what, undo: undo}
	u.steps = append(u.steps, s)
	return s
}

// Void says that the step turned out to have changed nothing.
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

// TakeBack undoes all steps, newest first, and returns why it had to; changed is whether there was
// anything to take back. It has a time of its own, also where ctx was cancelled. Where something is
// left, the error is of kind fault.Partial, says what, and advises so.
func (u *Undo) TakeBack(ctx context.Context, why error, advice fault.Advice) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	changed, left := u.run(ctx)
	if len(left) == 0 {
		// A request whose answer never came may have taken effect late: look once more.
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
