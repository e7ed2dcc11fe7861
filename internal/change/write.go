package change

import (
	"context"
	"errors"
	"time"
)

// Outcome says whether a failed request may have taken effect.
type Outcome int

const (
	// Refused is nothing, and trying again won't help.
	Refused Outcome = iota
	// Undone is nothing, and trying again may help: it never reached the service, or was turned away.
	Undone
	// Unclear is perhaps all of it. No answer came, or one that says nothing certain.
	Unclear
)

// Write sends a request that changes something. If it is unclear whether the request took effect, Write
// calls look before sending it again. It also calls look after a refusal that follows an unclear try,
// because the lost request may have been carried out. If ctx ends while the request is under way, the
// request gets a moment to receive its response.
func Write(ctx context.Context, judge func(error) Outcome, do func(context.Context) error,
	look func(context.Context) (done bool, err error),
) error {
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
				return errors.Join(err, e) // the service is unavailable for longer than a read waits
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

const grace = time.Second // for a response that is on its way when the run is stopped

// Grace is ctx ending a moment later, for a change whose outcome must be known.
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
