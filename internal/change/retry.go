package change

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Retry says how often to try something, and how long to pause between tries.
type Retry struct {
	Tries int           // the first one included
	First time.Duration // the pause before the second try; each pause is twice the previous one
	Most  time.Duration // the longest pause
}

// DefaultRetry is for a write or a copy that failed; the transport of internal/openstack/cloud has a rule of
// its own, below it.
var DefaultRetry = Retry{Tries: 5, First: 200 * time.Millisecond, Most: 5 * time.Second}

// MaxRetryAfter is the longest Retry-After that is honoured. A service that asks for more counts as
// failed.
const MaxRetryAfter = time.Minute

// Pause is how long to wait after the given try; tries count from 1.
func (r Retry) Pause(try int) time.Duration {
	pause := r.First
	for n := 1; n < try && pause < r.Most; n++ {
		pause *= 2
	}
	return Jitter(min(pause, r.Most))
}

// Do tries until it succeeds or the tries are used up, and returns the last error.
func (r Retry) Do(ctx context.Context, do func(context.Context) error) error {
	for try := 1; ; try++ {
		err := do(ctx)
		if err == nil || try >= r.Tries || !Sleep(ctx, r.Pause(try)) {
			return err
		}
	}
}

// Sleep waits. It returns false if the context ends first.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Jitter varies d by a tenth, so that parallel runs don't send requests in step.
func Jitter(d time.Duration) time.Duration {
	return d - d/20 + rand.N(max(d/10, 1)) // #nosec G404 -- it is no secret
}

// RetryAfter is how long a service asks to wait; asked is false if it doesn't ask.
func RetryAfter(header http.Header) (wait time.Duration, asked bool) {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 86400)) * time.Second, true // far more than is waited for, and no overflow
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(time.Until(at), 0), true
	}
	return 0, false
}
