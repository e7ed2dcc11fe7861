package openstack

import (
	"context"
	"time"
)

// remindEvery is how often the build says what it is waiting for.
var remindEvery = 30 * time.Second

// glanceEvery is the poll interval until the usual duration is nearly over, to notice early failures.
const glanceEvery = 15 * time.Second

// poll waits for a service to finish what it was just asked to do. It doesn't call probe at once, and only
// rarely until the duration of last time is nearly over.
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

// remind reports every half minute what the build waits for, until it is stopped.
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

// waitKey distinguishes waits of different durations.
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
