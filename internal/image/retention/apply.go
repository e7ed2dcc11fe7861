package retention

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// parallel is how many images are changed at a time.
const parallel = 8

// Apply carries out the plan. Each image is read again right before its action, and left alone if it is no
// longer as the plan saw it. One that can't be changed doesn't stop the others; the error, of kind fault.Partial,
// gives the reasons.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	if p.First {
		return p.report(ctx)
	}
	if err := p.within(); err != nil {
		return err
	}
	var mild, severe []*Entry
	for _, e := range p.Images {
		switch {
		case e.Action == "":
		case p.Policy.spares(e.Action):
			severe = append(severe, e)
		default:
			mild = append(mild, e)
		}
	}
	p.each(mild, func(e *Entry) error { return p.carry(ctx, e, nil, rep) })
	p.severe(ctx, severe, rep)
	return p.failed(ctx)
}

// severe carries out what images in use are spared. What is to be deleted is deactivated first, so that nobody
// can boot from it any more; only then all sources are asked again who uses the images.
func (p *Plan) severe(ctx context.Context, entries []*Entry, rep report.Reporter) {
	if len(entries) == 0 {
		return
	}
	var fenced sync.Map
	p.each(entries, func(e *Entry) error {
		if e.Action != Delete {
			return nil
		}
		c, err := p.carrier(ctx, e)
		if err == nil {
			err = c.fence(ctx, rep)
		}
		if err == nil {
			fenced.Store(e.ID, c)
		}
		return err
	})
	survey, err := p.site.Users.Survey(ctx, nil, nil)
	p.each(entries, func(e *Entry) error {
		c, _ := fenced.Load(e.ID)
		fence, _ := c.(*carrier)
		switch {
		case e.problem != nil:
			return e.problem // the fence's
		case err != nil && fence != nil:
			return fence.back(ctx, err)
		case err != nil:
			return err
		case fence != nil:
			return fence.remove(ctx, survey, rep)
		}
		return p.carry(ctx, e, survey, rep)
	})
}

// each does something with each entry, several at a time, and notes the outcome.
func (p *Plan) each(entries []*Entry, do func(*Entry) error) {
	group := errgroup.Group{}
	group.SetLimit(parallel)
	for _, e := range entries {
		group.Go(func() error {
			e.problem = do(e)
			e.outcome = Done
			var why skip
			switch {
			case errors.As(e.problem, &why):
				e.outcome = Skipped
			case e.problem != nil:
				e.outcome = Failed
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in the entries
}

// failed is what went wrong.
func (p *Plan) failed(ctx context.Context) error {
	var errs []error
	n := 0
	for _, e := range p.Images {
		if e.outcome == Failed {
			n++
			errs = append(errs, fmt.Errorf("%s %s %q: %w", e.Action, e.ID, e.Name, e.problem))
		}
	}
	switch err := errors.Join(errs...); {
	case ctx.Err() != nil:
		return fault.Wrap(fault.Cancelled, "run it again for the rest", errors.Join(context.Cause(ctx), err))
	case err != nil:
		return fault.New(fault.Partial, "fix the causes, then run it again", "%d of %d images failed:\n%w", n, len(p.Images), err)
	}
	return nil
}

// skip is why an image was left alone.
type skip struct{ why string }

func (s skip) Error() string { return s.why }

// carry carries out an entry's action. survey is a new one where the action would harm users.
func (p *Plan) carry(ctx context.Context, e *Entry, survey Survey, rep report.Reporter) error {
	c, err := p.carrier(ctx, e)
	if err != nil {
		return err
	}
	if survey != nil {
		if err := p.unused(ctx, survey, c.image); err != nil {
			return err
		}
	}
	rep.Step("Image %s: %s", c.image, e.Action)
	if e.Action == Reactivate {
		_, err := c.release(ctx)
		return err
	}
	return c.mark(ctx)
}

// carrier reads the image again. It is a skip if the image is no longer as the plan saw it.
func (p *Plan) carrier(ctx context.Context, e *Entry) (*carrier, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	img, err := p.site.Images.Image(ctx, e.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, skip{"it no longer exists"}
	case err != nil:
		return nil, err
	case stateOf(img) == e.State:
	case StageOf(img) == e.Action && !halfway(img):
		return nil, skip{"another run has done it"}
	default:
		return nil, skip{"it has changed since the plan was made"}
	}
	busy, err := promote.Claimed(ctx, p.site.Images, img.Owner, FamilyOf(img))
	if err != nil {
		return nil, err
	}
	if busy {
		return nil, skip{fmt.Sprintf("a promotion of %q is under way", FamilyOf(img))}
	}
	return &carrier{site: p.site, plan: p, entry: e, image: img, now: p.site.Now()}, nil
}

// halfway reports whether a run died between marking the image and deactivating it.
func halfway(img *glance.Image) bool {
	stage := StageOf(img)
	return (stage == Deactivate || stage == Trash) && img.Status == glance.StatusActive
}
