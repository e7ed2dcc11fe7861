package change

import (
	"context"
	"errors"
	"time"
)

// Outcome is what a failed request may have done.
type Outcome int

const (
	// Refused: nothing, and trying again won't help.
	Refused Outcome = iota
	// Undone: nothing, and trying again may help: it never reached the service, or was turned away.
	Undone
	// Unclear: perhaps all of it. No answer came, or one that says nothing certain.
	Unclear
)

// Write does a request that changes something. When it isn't known whether it took effect, look
// is asked before it is sent again; a refusal that follows an unclear try is looked into as well,
// as the lost one may have been carried out. When ctx ends while the request is under way, the
// request has a moment to learn its answer.
func Write(ctx context.Context, judge func(error) Outcome, do func(context.Context) error, look func(context.Context) (done bool, err error)) error {
	unclear := false
	for try := 1; ; try++ {
		graceful, cancel := Grace(ctx)
		err := do(graceful)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		outcome := judge(err)
		unclear = unclear || outcome == Unclear
		if unclear {
			switch done, e := look(ctx); {
			case done:
				return nil
			case e != nil:
				return errors.Join(err, e) // the service is away for longer than a read waits
			}
		}
		if outcome == Refused || try == DefaultRetry.Tries {
			return err
		}
		if !Sleep(ctx, DefaultRetry.Pause(try)) {
			return errors.Join(context.Cause(ctx), err)
		}
		if unclear { // what took a moment to appear is there now
			if done, e := look(ctx); e == nil && done {
				return nil
			}
		}
	}
}

const grace = time.Second // for an answer that is on its way when everything is to stop

// Grace is ctx that ends a moment later: for a change whose outcome has to be known.
func Grace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
	})
	return late, func() {
		stop()
		cancel(nil)
	}
}
