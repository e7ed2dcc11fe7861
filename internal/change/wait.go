package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Pace is how often to poll: first after First, then less and less, at most every Max.
type Pace struct{ First, Max time.Duration }

// DefaultPace suits waits from milliseconds to minutes.
var DefaultPace = Pace{First: 100 * time.Millisecond, Max: 2 * time.Second}

// outage is how long a service may be unavailable before Wait gives up.
const outage = 5 * time.Minute

// Wait calls probe, at once and then at Pace, until it is done or fails. A service that is unavailable
// for a while (fault.Unavailable) doesn't end the wait. The error names what was waited for and for how
// long.
func (p Pace) Wait(ctx context.Context, what string, timeout time.Duration, probe func(ctx context.Context) (done bool, err error)) error {
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
		case !fault.Is(err, fault.Unavailable):
			return fmt.Errorf("waiting for %s: %w", what, err)
		default:
			if down.IsZero() {
				down = time.Now()
			}
			if last = err; time.Since(down) > outage {
				return fmt.Errorf("waiting for %s: unavailable for %s: %w", what, outage, err)
			}
		}
		if !Sleep(ctx, Jitter(wait)) {
			return gaveUp(ctx, what, start, last)
		}
	}
}

var errPatience = errors.New("it took too long")

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
