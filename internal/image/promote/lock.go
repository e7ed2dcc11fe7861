package promote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

const lockPrefix = "new image of "

// Claims reports whether an image is the claim of a run that promotes images of the name, or has it locked.
func Claims(img *glance.Image, name string) bool {
	claimed := ClaimedName(img)
	return claimed == name || claimed == lockPrefix+name
}

// Busy is the error of a name that another run has locked.
type Busy struct{ error }

// Unwrap gives the fault.
func (b *Busy) Unwrap() error { return b.error }

// Lock takes the exclusive right to bring a new image of a name of the site's project, which may last
// much longer than the promotion at its end. It doesn't keep anybody from promoting. It is Busy while another
// run that is alive has it. The context ends when it is lost; unlock gives it back.
func Lock(ctx context.Context, site Site, name string, rep report.Reporter) (held context.Context, unlock func(), err error) {
	what := lockPrefix + name
	busy := func(run string) error {
		return &Busy{fault.New(fault.Conflict, "run this one again when it has ended", "run %s is bringing a new image of %q", run, name)}
	}
	// The chain begins anew each day, so that it stays short.
	chain := what + "\n" + time.Now().UTC().Format(time.DateOnly)
	for number := 1; ; number++ {
		c := &claim{site: site, number: number, id: claimID(site.Project, chain, number)}
		_, err := site.Images.Create(ctx, c.attributes(site.Project, what), cloud.RunKey, site.Run)
		if err != nil && !fault.Is(err, fault.Conflict) {
			return nil, nil, fmt.Errorf("locking the name %q: %w", name, err)
		}
		if err == nil {
			other, err := livingClaim(ctx, site, site.Project, what, c.id)
			if err != nil {
				return nil, nil, errors.Join(err, c.discard(ctx))
			}
			if other != nil {
				return nil, nil, errors.Join(busy(other.Properties[cloud.RunKey]), c.discard(ctx))
			}
			held, stop := context.WithCancelCause(ctx)
			c.lease = keepLease(held, c, stop)
			return held, func() {
				c.release(ctx, rep)
				stop(nil)
			}, nil
		}
		other, at, err := site.Images.ImageAt(ctx, c.id)
		switch {
		case fault.Is(err, fault.NotFound), err == nil && expired(other, at, leaseTime):
		case err != nil:
			return nil, nil, err
		default:
			return nil, nil, busy(other.Properties[cloud.RunKey])
		}
	}
}
