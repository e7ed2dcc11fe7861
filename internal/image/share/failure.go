package share

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Why something that was asked for is left out.
const (
	Ghost       = "ghost"       // the project doesn't exist any more or is disabled
	Unreachable = "unreachable" // the cloud can't be reached, or not with its credentials
	NoImage     = "no image"    // the image isn't there, or several are
	Unplanned   = "failed"      // for another reason
)

// Failure is something that was asked for and is left out, so that the rest can be done.
type Failure struct {
	State              string // Ghost, Unreachable, NoImage or Unplanned
	ImageID, Image     string
	ProjectID, Project string
	Cloud              string // that can't be reached
	Err                error
}

func (f Failure) row() Row {
	return Row{
		ImageID: f.ImageID, Image: f.Image, ProjectID: f.ProjectID, Project: f.Project, Cloud: f.Cloud,
		Before: f.State, After: f.State, Note: f.Err.Error(),
	}
}

// reachable opens clouds at once. Those that can't be reached are left out and told; the error is of another kind.
func reachable(ctx context.Context, clouds Clouds, names []string) (sites []*Tenancy, failed []Failure, err error) {
	clouds = Cached(clouds)
	warm(ctx, clouds, names)
	for _, name := range names {
		site, err := clouds(ctx, name)
		switch {
		case err == nil:
			sites = append(sites, site)
		case closed(ctx, err):
			failed = append(failed, Failure{State: Unreachable, Cloud: name, Err: err})
		default:
			return nil, nil, err
		}
	}
	return sites, failed, nil
}

// each plans a change of each image. An image that fails is left out and told.
func (p *Plan) each(ctx context.Context, images []*glance.Image, plan func(context.Context, *glance.Image) (*Change, error)) error {
	changes, errs := make([]*Change, len(images)), make([]error, len(images))
	var group errgroup.Group
	group.SetLimit(requests)
	for n, img := range images {
		group.Go(func() error {
			changes[n], errs[n] = plan(ctx, img)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), errors.Join(errs...))
	}
	for n, img := range images {
		if errs[n] != nil {
			p.Failed = append(p.Failed, Failure{State: Unplanned, ImageID: img.ID, Image: img.Name, Err: errs[n]})
			continue
		}
		p.Changes = append(p.Changes, changes[n])
	}
	return nil
}

// unlessAllFailed is the plan, or the failures as an error if there is nothing else in it.
func (p *Plan) unlessAllFailed() (*Plan, error) {
	if len(p.Changes)+len(p.Copies) == 0 && len(p.Failed) > 0 {
		return nil, p.failures()
	}
	return p, nil
}

// failures are all that was left out, as an error of their kind.
func (p *Plan) failures() error {
	return errors.Join(errorsOf(p.Failed)...)
}

func errorsOf(failed []Failure) []error {
	var errs []error
	for _, f := range failed {
		errs = append(errs, f.Err)
	}
	return errs
}

// LeftOut is what the plan leaves out and whom it doesn't overrule, as Apply tells it.
func (p *Plan) LeftOut() error { return p.outstanding(nil) }

// outstanding is err together with what the plan left out and whom it didn't overrule: an error of
// kind fault.Partial.
func (p *Plan) outstanding(err error) error {
	n := len(p.Failed)
	errs := []error{err, p.failures()}
	advice := fault.Advice{}
	for _, c := range p.Changes {
		for _, m := range c.Members {
			if m.refusal {
				n++
				errs = append(errs, fmt.Errorf("project %s has rejected image %s", m.Project, c.Image))
				if m.acceptor != nil {
					advice = fault.Advise("ask the project, or overrule its answer with %s", fault.Set("accept_rejected", true))
				}
			}
		}
	}
	if n == 0 {
		return err
	}
	return fault.Wrap(fault.Partial, advice, fmt.Errorf("%s not made: %w", count(n, "change"), errors.Join(errs...)))
}

// explain says more of why applying failed: that somebody stopped it.
func (r *run) explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.New(fault.Cancelled, "", "it was stopped (%w)", err)
	}
	return err
}
