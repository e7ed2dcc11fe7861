package openstack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// withRoom creates something that counts against a quota. If the quota is used up and quota_timeout is set,
// it waits and retries at long intervals, which get shorter the longer a build has waited. If create fails
// half-way, it must clean up itself.
func (b *build) withRoom(ctx context.Context, what string, create func(ctx context.Context) error) error {
	start, told := time.Now(), false
	for {
		err := create(ctx)
		if !fault.Is(cloud.Classify(err), fault.Quota) {
			return err
		}
		limit := b.config.QuotaTimeout
		if limit == 0 {
			return fault.Wrap(fault.Quota, "free some of it, or set quota_timeout to wait until there is room", cloud.Classify(err))
		}
		if left := limit - time.Since(start); left <= 0 {
			err = fmt.Errorf("there was no room within %s: %w", limit, cloud.Classify(err))
			return fault.Wrap(fault.Quota, "free some of it, or raise quota_timeout", err)
		}
		if !told {
			b.report.Step("There is no room for the %s (%s); waiting up to %s for room", what, cloud.Classify(err), limit)
			defer b.remind("room for the " + what)()
			told = true
		}
		if err := b.wait(ctx, min(b.roomPause(time.Since(start)), max(limit-time.Since(start), time.Millisecond))); err != nil {
			return err
		}
	}
}

// roomPause is how long a build waits before it asks for room again.
func (b *build) roomPause(waited time.Duration) time.Duration {
	pause := 5 * b.config.PollInterval
	if waited < time.Minute {
		pause = 3 * pause / 2
	}
	return pause/2 + rand.N(max(pause, 1)) // #nosec G404 -- it is no secret
}
