package front_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func TestClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := front.NewClock(time.Second, 0)
		var ran atomic.Int64
		c.After(func(context.Context) { ran.Add(1) })
		cancel := c.After(func(context.Context) { ran.Add(10) })
		cancel()
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if ran.Load() != 0 {
			t.Error("a transition was done before its time")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if ran.Load() != 1 {
			t.Errorf("ran %d, want 1", ran.Load())
		}
		c.After(func(context.Context) { ran.Add(100) })
		c.Stop()
		c.After(func(context.Context) { ran.Add(1000) })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if ran.Load() != 1 {
			t.Errorf("ran %d after the stop, want 1", ran.Load())
		}
	})
}

func TestHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := front.NewClock(0, 0)
		step, release := c.Hold()
		var ran atomic.Int64
		for range 3 {
			c.After(func(context.Context) { ran.Add(1) })
		}
		for want := range int64(2) {
			synctest.Wait()
			if ran.Load() != want {
				t.Errorf("ran %d, want %d", ran.Load(), want)
			}
			step()
		}
		release()
		c.After(func(context.Context) { ran.Add(1) })
		synctest.Wait()
		if ran.Load() != 4 {
			t.Errorf("ran %d after the release, want 4", ran.Load())
		}
		c.Stop()
	})
}
