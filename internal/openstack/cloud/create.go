package cloud

import (
	"context"
	"time"
)

const (
	createTries = 4
	createGrace = time.Second // for an answer that is on its way when the build is cancelled
)

// Create makes one object with do. Where it isn't known whether that took effect, find looks for
// the object by the run's mark before do is tried again; a refusal that follows an unclear try
// is looked into as well, as the lost one may have been carried out. When ctx ends while do is
// under way, do has a moment to learn its answer.
func Create[T any](ctx context.Context, do func(context.Context) (T, error), find func(context.Context) (T, bool, error)) (T, error) {
	wait, unclear := 2*firstDelay, false
	for try := 1; ; try++ {
		graceful, cancel := Grace(ctx)
		made, err := do(graceful)
		cancel()
		if err == nil || ctx.Err() != nil {
			return made, err
		}
		unknown := OutcomeUnknown(err)
		if !unknown && !unclear {
			return made, err
		}
		unclear = true
		if found, ok, e := find(ctx); e == nil && ok {
			return found, nil
		}
		if !unknown || try == createTries {
			return made, err
		}
		if !pause(ctx, jitter(wait)) {
			return made, err
		}
		// What took a moment to appear is there now.
		if found, ok, e := find(ctx); e == nil && ok {
			return found, nil
		}
		wait *= 2
	}
}

// Grace is ctx that ends a moment later: for a change whose outcome has to be known.
func Grace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(createGrace, func() { cancel(context.Cause(ctx)) })
	})
	return late, func() {
		stop()
		cancel(nil)
	}
}
