package openstack

import (
	"context"
	"time"
)

// remindEvery is how often the build says what it is waiting for.
var remindEvery = 30 * time.Second

// poll asks probe again and again until it is done, and says every half minute what it waits for.
func (b *build) poll(ctx context.Context, what string, timeout time.Duration, probe func(context.Context) (bool, error)) error {
	defer b.remind(what)()
	return b.config.pace().Poll(ctx, what, timeout, probe)
}

// remind says every half minute what is waited for, until it is told to stop.
func (b *build) remind(what string) (stop func()) {
	start, done := time.Now(), make(chan struct{})
	go func() {
		tick := time.NewTicker(remindEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				b.report.Step("Still waiting for the %s (%s)", what, time.Since(start).Round(time.Second))
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}
