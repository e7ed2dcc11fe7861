package openstack

import (
	"context"
	"time"
)

// remindEvery is how often the build says what it is waiting for.
var remindEvery = 30 * time.Second

// glanceEvery is how often something is looked at before the time that it usually takes is nearly over:
// it may fail early.
const glanceEvery = 15 * time.Second

// poll waits for what a service has just been asked to do: it asks probe not at once, and not often
// before the time is nearly over that the same took last time.
func (b *build) poll(ctx context.Context, what string, timeout time.Duration, probe func(context.Context) (bool, error)) error {
	pace, usual := b.config.pace(), b.usual.get(b.waitKey(what))
	start := time.Now()
	asked := start
	err := b.pollNow(ctx, what, timeout, func(ctx context.Context) (bool, error) {
		age := time.Since(start)
		if age < pace.First/2 || age < usual*9/10 && time.Since(asked) < glanceEvery {
			return false, nil
		}
		asked = time.Now()
		return probe(ctx)
	})
	if err == nil {
		b.usual.set(b.waitKey(what), time.Since(start))
	}
	return err
}

// pollNow asks probe at once, and then repeatedly until it is done. It says every half minute
// what it waits for.
func (b *build) pollNow(ctx context.Context, what string, timeout time.Duration, probe func(context.Context) (bool, error)) error {
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

// waitKey tells waits apart that take different times.
func (b *build) waitKey(what string) string {
	key := b.cloud.Name() + " " + b.cloud.Region() + " " + what
	if b.flavor != nil {
		key += " " + b.flavor.ID
	}
	if b.source != nil {
		key += " " + b.source.ID
	}
	return key
}
