package promote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Properties of a claim, which is an image record without data: hidden, private, never listed by default.
const (
	claimKey  = "imgctl_claim"        // the name that is claimed
	holderKey = "imgctl_claim_holder" // who holds it, for people
	beatKey   = "imgctl_claim_beat"   // changes while the holder lives
)

// claimLife is how long a claim counts after its holder's last sign of life. A run on the holder's
// own machine sees at once that the holder is gone.
var claimLife = 30 * time.Second

// claimLook is how often a waiting run looks again.
const claimLook = 500 * time.Millisecond

var claimSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/imgctl/packer-plugin-openstack/claim"))

// errTakenOver ends a run that another took for dead.
var errTakenOver = fault.New(fault.Conflict, "run it again", "another run took over this promotion, which showed no sign of life")

// claim is the exclusive right to promote images of one name of one owner.
//
// The service gives an image id only once, for ever. So the ids of a name's claims are a chain
// that everybody computes alike, and who creates the next id holds the claim; of several exactly
// one does. A claim that was released, or whose holder died, leaves its id taken, and the chain
// goes on with the next number. Who has got a number still looks for other living claims of the
// name, so that two runs can't both go on even where old ids were purged from the database.
type claim struct {
	site   Site
	number int
	id     string
	stop   context.CancelCauseFunc
	beats  sync.WaitGroup
}

func claimID(owner, name string, number int) string {
	return uuid.NewSHA1(claimSpace, fmt.Appendf(nil, "%s\n%s\n%d", owner, name, number)).String()
}

// acquire waits until this run holds the claim. last is the highest number known to be taken.
// The context it returns ends when the claim is lost.
func acquire(ctx context.Context, site Site, owner, name string, last int, rep report.Reporter) (*claim, context.Context, error) {
	said := false
	wait := func(holder *glance.Image) error {
		if !said {
			rep.Step("Waiting for another promotion of %q: %s", name, holderOf(holder))
			said = true
		}
		select {
		case <-ctx.Done():
			return fault.New(fault.Conflict, "run this one again when it has ended", "waiting for another promotion of %q (%s): %w", name, holderOf(holder), context.Cause(ctx))
		case <-time.After(claimLook):
			return nil
		}
	}
	for number := last + 1; ; {
		id := claimID(owner, name, number)
		_, err := site.Images.Create(ctx, claimAttributes(site, id, owner, name), cloud.RunKey, site.Run)
		switch {
		case err == nil:
			other, err := livingClaim(ctx, site, owner, name, id)
			if err != nil {
				return nil, nil, errors.Join(err, discard(ctx, site, id))
			}
			if other == nil {
				c := &claim{site: site, number: number, id: id}
				return c, c.keepAlive(ctx), nil
			}
			if err := discard(ctx, site, id); err != nil {
				return nil, nil, err
			}
			number++
			if err := wait(other); err != nil {
				return nil, nil, err
			}
		case fault.Is(err, fault.Conflict):
			holder, at, err := site.Images.ImageAt(ctx, id)
			switch {
			case fault.Is(err, fault.NotFound), err == nil && stale(holder, at):
				number++
			case err != nil:
				return nil, nil, err
			default:
				if err := wait(holder); err != nil {
					return nil, nil, err
				}
			}
		default:
			return nil, nil, fmt.Errorf("claiming the name %q: %w", name, err)
		}
	}
}

func claimAttributes(site Site, id, owner, name string) map[string]any {
	a := map[string]any{
		"id": id, "name": "imgctl claim", "visibility": glance.Private, "os_hidden": true,
		claimKey: name, cloud.RunKey: site.Run, holderKey: self().String(),
	}
	if site.Admin {
		a["owner"] = owner
	}
	return a
}

// livingClaim finds another claim of the name whose holder lives, and deletes the dead ones.
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
		case !stale(c, at):
			return c, nil
		default:
			if err := site.Images.Delete(ctx, c.ID); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// stale reports whether a claim's holder is gone, by the service's clock or by our own eyes.
func stale(c *glance.Image, now time.Time) bool { return silent(c, now, claimLife) }

func silent(c *glance.Image, now time.Time, life time.Duration) bool {
	if h, ok := parseHolder(c.Properties[holderKey]); ok && h.gone() {
		return true
	}
	return !now.IsZero() && now.Sub(c.UpdatedAt) > life
}

func holderOf(c *glance.Image) string {
	return fmt.Sprintf("run %s, %s, since %s", c.Properties[cloud.RunKey], c.Properties[holderKey], c.CreatedAt.UTC().Format(time.RFC3339))
}

// keepAlive renews the claim until it is released. A claim that somebody took away ends the
// returned context: whoever took it goes on from the journal.
func (c *claim) keepAlive(ctx context.Context) context.Context {
	ctx, c.stop = context.WithCancelCause(ctx)
	c.beats.Go(func() {
		tick := time.NewTicker(claimLife / 3)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			_, err := c.site.Images.Update(ctx, c.id, glance.Patch{}.Set(beatKey, strconv.Itoa(n)))
			if fault.Is(err, fault.NotFound) {
				c.stop(errTakenOver)
			}
		}
	})
	return ctx
}

// release gives the claim back, also when the context has ended.
func (c *claim) release(ctx context.Context) error {
	c.stop(nil)
	c.beats.Wait()
	return discard(ctx, c.site, c.id)
}

func discard(ctx context.Context, site Site, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	return site.Images.Delete(ctx, id)
}
