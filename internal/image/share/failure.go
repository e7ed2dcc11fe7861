package share

import (
	"context"
	"errors"
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
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

// failures are all that was left out, as an error of their kind.
func (p *Plan) failures() error {
	var errs []error
	for _, f := range p.Failed {
		errs = append(errs, f.Err)
	}
	return errors.Join(errs...)
}

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
