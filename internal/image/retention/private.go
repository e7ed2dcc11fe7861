package retention

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
)

// closeShared finds out which shared images have no members, where the policy wants to know.
func (s Site) closeShared(ctx context.Context, records []*record) {
	group := errgroup.Group{}
	group.SetLimit(parallel)
	for _, r := range records {
		if r.reach == usage.Members {
			group.Go(func() error {
				if usage.Sole(ctx, s.Images, r.id, r.owner, r.reach) != "" {
					r.reach = usage.Closed
				}
				return nil
			})
		}
	}
	_ = group.Wait() // there are none
}
