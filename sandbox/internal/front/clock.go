package front

import (
	"context"
	"sync"
	"time"
)

// Clock tells the services the time and runs the state transitions of objects, each after the time that the sandbox gives to one.
type Clock struct {
	ctx        context.Context
	stop       context.CancelFunc
	transition time.Duration
	offset     time.Duration

	mu      sync.Mutex
	stopped bool
	gate    chan struct{} // lets transitions end while they are held; nil = they end by their time
	running sync.WaitGroup
}

// NewClock returns a clock whose transitions take d each, until Stop. It is ahead of this machine's by an offset, or
// behind where that is below 0.
func NewClock(d, offset time.Duration) *Clock {
	ctx, stop := context.WithCancel(context.Background())
	return &Clock{ctx: ctx, stop: stop, transition: d, offset: offset}
}

// Now is the time that the services have.
func (c *Clock) Now() time.Time { return time.Now().Add(c.offset) }

// Transition is how long one transition takes.
func (c *Clock) Transition() time.Duration { return c.transition }

// After runs f in a goroutine of its own when one transition's time is over. It never runs f before
// it returns, so the caller may hold locks. f's context ends with the clock; f isn't run when that
// happens first, nor after the returned cancel was called in time.
func (c *Clock) After(f func(ctx context.Context)) (cancel func()) {
	ctx, cancel := context.WithCancel(c.ctx)
	c.Go(func(context.Context) {
		defer cancel()
		if c.Wait(ctx) == nil {
			f(c.ctx)
		}
	})
	return cancel
}

// Go runs f in a goroutine that Stop waits for.
func (c *Clock) Go(f func(ctx context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	c.running.Go(func() { f(c.ctx) })
}

// Wait waits for one transition's time; it is for work of several transitions that runs by After or Go.
func (c *Clock) Wait(ctx context.Context) error { return c.WaitPart(ctx, 1) }

// WaitPart waits for a part of one transition's time: the whole, a half, a third and so on.
func (c *Clock) WaitPart(ctx context.Context, parts int) error {
	c.mu.Lock()
	gate := c.gate
	c.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	d := c.transition / time.Duration(parts)
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Hold keeps all waits from ending by their time, for a test that looks at the states that pass. Each step waits for one,
// and lets it end; release lets all end.
func (c *Clock) Hold() (step, release func()) {
	gate := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gate = gate
	step = func() {
		select {
		case gate <- struct{}{}:
		case <-c.ctx.Done():
		}
	}
	return step, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.gate = nil
		close(gate)
	}
}

// Stop ends the clock's context and waits for what runs.
func (c *Clock) Stop() {
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	c.stop()
	c.running.Wait()
}
