package cloud

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Pace is how often something is asked about: after First, then ever more rarely up to every Max.
type Pace struct{ First, Max time.Duration }

// DefaultPace suits everything that takes from a blink to minutes.
var DefaultPace = Pace{First: 100 * time.Millisecond, Max: 2 * time.Second}

// outage is for how long a service may be unavailable before waiting for it is given up.
const outage = 5 * time.Minute

// Poll waits at DefaultPace, see Pace.Poll.
func Poll(ctx context.Context, what string, timeout time.Duration, probe func(ctx context.Context) (done bool, err error)) error {
	return DefaultPace.Poll(ctx, what, timeout, probe)
}

// Poll asks probe, at once and then again and again, until it is done or fails. A service that
// is unavailable for a while doesn't end the waiting. The error names what was waited for and
// for how long.
func (p Pace) Poll(ctx context.Context, what string, timeout time.Duration, probe func(ctx context.Context) (done bool, err error)) error {
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errPatience)
	defer cancel()
	var down time.Time
	var last error
	for wait := p.First; ; wait = min(wait*6/5, max(p.Max, p.First)) {
		done, err := probe(ctx)
		switch {
		case err == nil && done:
			return nil
		case ctx.Err() != nil:
			return gaveUp(ctx, what, start, last)
		case err == nil:
			down, last = time.Time{}, nil
		case fault.KindOf(Classify(err)) != fault.Unavailable:
			return fmt.Errorf("waiting for %s: %w", what, err)
		default:
			if down.IsZero() {
				down = time.Now()
			}
			if last = err; time.Since(down) > outage {
				return fmt.Errorf("waiting for %s: unavailable for %s: %w", what, outage, err)
			}
		}
		if !pause(ctx, jitter(wait)) {
			return gaveUp(ctx, what, start, last)
		}
	}
}

var errPatience = fmt.Errorf("it took too long")

func gaveUp(ctx context.Context, what string, start time.Time, last error) error {
	waited := time.Since(start).Round(100 * time.Millisecond)
	if !errors.Is(context.Cause(ctx), errPatience) {
		return fault.Wrap(fault.Cancelled, "", fmt.Errorf("waiting for %s: stopped after %s: %w", what, waited, context.Cause(ctx)))
	}
	if last != nil {
		return fault.New(fault.Unavailable, "", "waiting for %s: not done after %s: %w", what, waited, last)
	}
	return fault.New(fault.Unavailable, "", "waiting for %s: not done after %s", what, waited)
}

// pause waits and reports false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// jitter spreads d by a tenth, so that many builds don't ask in step.
func jitter(d time.Duration) time.Duration {
	return d - d/20 + rand.N(max(d/10, 1))
}
