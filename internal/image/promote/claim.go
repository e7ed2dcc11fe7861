package promote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Properties of a claim, which is an image record without data: hidden, private, never listed by default.
const (
	claimKey     = "imgctl_claim"        // the name that is claimed
	ownerKey     = "imgctl_claim_holder" // the process that owns it
	heartbeatKey = "imgctl_claim_beat"   // changes while that process lives
)

// claimPoll is how often a waiting run looks again.
const claimPoll = 500 * time.Millisecond

var claimSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/imgctl/packer-plugin-openstack/claim"))

// claim is the exclusive right to promote images of one name of one owner.
//
// The service accepts an image id only once, for ever. The ids of a name's claims form a chain that every
// run computes in the same way, and the run that creates the next id holds the claim; if several try,
// exactly one succeeds. A released or expired claim keeps its id taken, and the chain continues with the
// next number. A run that got a number still looks for other live claims of the name, so that two runs
// can't both continue even if old ids were purged from the database.
type claim struct {
	site   Site
	number int
	id     string
	lease  *lease
}

func claimID(owner, name string, number int) string {
	return uuid.NewSHA1(claimSpace, fmt.Appendf(nil, "%s\n%s\n%d", owner, name, number)).String()
}

// acquire waits until the run holds the claim. last is the highest number known to be taken. The
// run's context ends when the claim is lost.
func (r *run) acquire(ctx context.Context, owner, name string, last int) error {
	w := &waiting{name: name, rep: r.rep}
	for number := last + 1; ; {
		c := &claim{site: r.site, number: number, id: claimID(owner, name, number)}
		_, err := r.site.Images.Create(ctx, c.attributes(owner, name), cloud.RunKey, r.site.Run)
		switch {
		case err == nil:
			other, err := livingClaim(ctx, r.site, owner, name, c.id)
			if err != nil {
				return errors.Join(err, c.discard(ctx))
			}
			if other == nil {
				c.lease = keepLease(ctx, c, r.stop)
				r.claim = c
				return nil
			}
			if err := c.discard(ctx); err != nil {
				return err
			}
			number++
			if err := w.wait(ctx, other); err != nil {
				return err
			}
		case fault.Is(err, fault.Conflict):
			other, at, err := r.site.Images.ImageAt(ctx, c.id)
			switch {
			case fault.Is(err, fault.NotFound), err == nil && expired(other, at, leaseTime):
				number++
			case err != nil:
				return err
			default:
				if err := w.wait(ctx, other); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("claiming the name %q: %w", name, err)
		}
	}
}

// attributes are those of the claim's image record.
func (c *claim) attributes(owner, name string) map[string]any {
	a := map[string]any{
		"id": c.id, "name": "imgctl claim", "visibility": glance.Private, "os_hidden": true,
		claimKey: name, cloud.RunKey: c.site.Run, ownerKey: thisProcess().String(),
	}
	if c.site.Admin {
		a["owner"] = owner
	}
	return a
}

// waiting is for another run's claim.
type waiting struct {
	name string
	rep  report.Reporter
	said bool
}

func (w *waiting) wait(ctx context.Context, other *glance.Image) error {
	who := fmt.Sprintf("run %s, %s, since %s",
		other.Properties[cloud.RunKey], other.Properties[ownerKey], other.CreatedAt.UTC().Format(time.RFC3339))
	if !w.said {
		w.rep.Step("Waiting for another promotion of %q: %s", w.name, who)
		w.said = true
	}
	if change.Sleep(ctx, claimPoll) {
		return nil
	}
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return waited{fault.New(fault.Cancelled, "", "interrupted while waiting for another promotion of %q (%s)", w.name, who)}
	}
	return waited{fault.New(fault.Conflict, "run this one again when it has ended", "waiting for another promotion of %q (%s): %w",
		w.name, who, context.Cause(ctx))}
}

// waited is the error of a run that ended while it waited. It says all that there is to say.
type waited struct{ error }

func (w waited) Unwrap() error { return w.error }

// livingClaim finds another live claim of the name, and deletes the expired ones.
func livingClaim(ctx context.Context, site Site, owner, name, own string) (*glance.Image, error) {
	claims, err := site.Images.Images(ctx, glance.Query{
		Owner: owner, Hidden: true, Properties: map[string]string{claimKey: name},
	})
	if err != nil {
		return nil, err
	}
	for _, c := range claims {
		if c.ID == own {
			continue
		}
		c, at, err := site.Images.ImageAt(ctx, c.ID)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return nil, err
		case !expired(c, at, leaseTime):
			return c, nil
		default:
			if err := site.Images.Delete(ctx, c.ID); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// release gives up the claim, even if the context has ended. It does nothing for a nil claim.
func (c *claim) release(ctx context.Context, rep report.Reporter) {
	if c == nil {
		return
	}
	c.lease.end()
	if err := c.discard(ctx); err != nil {
		rep.Warn("the claim %s could not be given up (%v); it expires in %s", c.id, err, leaseTime)
	}
}

func (c *claim) discard(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	return c.site.Images.Delete(ctx, c.id)
}
