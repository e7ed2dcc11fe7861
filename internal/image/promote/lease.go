package promote

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// leaseTime is how long a claim is valid after its last heartbeat. A run on the same machine notices at
// once when the owner's process has ended.
var leaseTime = 30 * time.Second

// errTakenOver ends a run that another run considered dead.
var errTakenOver = fault.New(fault.Conflict, "run it again", "another run took over this promotion, which showed no sign of life")

// lease is a claim's heartbeat.
type lease struct {
	stop  context.CancelFunc
	beats sync.WaitGroup
}

// keepLease renews the claim until the lease ends. If another run has removed the claim, it calls lost:
// that run continues from the journal.
func keepLease(ctx context.Context, c *claim, lost context.CancelCauseFunc) *lease {
	l := &lease{}
	ctx, l.stop = context.WithCancel(ctx)
	l.beats.Go(func() {
		tick := time.NewTicker(leaseTime / 3)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			_, err := c.site.Images.Update(ctx, c.id, glance.Patch{}.Set(heartbeatKey, strconv.Itoa(n)))
			if fault.Is(err, fault.NotFound) {
				lost(errTakenOver)
			}
		}
	})
	return l
}

func (l *lease) end() {
	l.stop()
	l.beats.Wait()
}

// expired reports whether a claim's owner process has ended, or whether its last heartbeat is older
// than life by the service's clock.
func expired(c *glance.Image, now time.Time, life time.Duration) bool {
	if owner, ok := parseProcess(c.Properties[ownerKey]); ok && owner.ended() {
		return true
	}
	return !now.IsZero() && now.Sub(c.UpdatedAt) > life
}
