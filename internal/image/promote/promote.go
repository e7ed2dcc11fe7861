// Package promote makes an image the current one of its name: the images that carried the name
// before are archived by renaming, and the projects they were shared with keep their access.
//
// A promotion is a transaction, although the Image service has none. It holds a claim, which only one
// run per name can have, writes a journal on the new image before each phase, and either finishes or
// rolls back. A run that dies leaves its journal and claim in the cloud; the next run of that name, from
// any machine, first finishes the dead run or rolls it back.
//
// At every moment, whatever fails: once there is an image of the name, the name is never without one;
// the projects that have accepted an image of the name can list one; and no image of another owner is
// written to.
package promote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// steps are a promotion from its beginning to its end.
var steps = []step{
	gateStep{},    // a command of the user's judges the image; nothing is changed yet
	claimStep{},   // only one run may promote images of the name; what dead runs left is settled first
	stageStep{},   // the journal is opened, and the image gets what it needs when it goes live
	swapStep{},    // the image becomes current, in one request
	archiveStep{}, // its predecessors stop being current
	settleStep{},  // members leave the predecessors, the archive is trimmed, the journal is closed
}

// step is one part of a promotion. The first three methods can all be repeated, by the same run or
// by a later one that has only the journal.
type step interface {
	// do carries the step out.
	do(ctx context.Context, r *run) error
	// takeBack undoes what do did: all of it, a part, or nothing. It is called last step first.
	takeBack(ctx context.Context, r *run) error
	// finish does the rest of what do didn't get to, once the image is live.
	finish(ctx context.Context, r *run) error
	// doing says what the step does, such as "staging the image".
	doing() string
}

// unchanging is embedded by steps that change no image: nothing is to roll back or to finish.
type unchanging struct{}

func (unchanging) takeBack(context.Context, *run) error { return nil }
func (unchanging) finish(context.Context, *run) error   { return nil }

// run is one promotion on its way through the steps: this process's own, or one that a dead run
// left, of which there are only the image and the journal.
type run struct {
	site    Site
	rep     report.Reporter
	image   string   // id of the image that becomes current
	journal *journal // nil until the promotion is staged

	plan  *Plan // nil in a later run
	claim *claim
	stop  context.CancelCauseFunc // ends the run's context
}

// Result is what a promotion did.
type Result struct {
	ImageID  string
	Name     string
	Changed  bool              // false: there was nothing to do
	Archived map[string]string // new name by id
	Members  int               // projects that the image is shared with
	Pruned   []string          // ids of deleted archived images
}

const (
	cleanupTime = time.Minute // for rolling back what was done, after the caller's time is over
	parallel    = 8           // requests at a time
)

// Apply carries the plan out, or leaves everything as it was. An error of kind fault.Partial says
// that the new image is current and something behind it isn't finished; the same promotion again,
// or the next one of the name, finishes it.
func Apply(ctx context.Context, site Site, p *Plan, rep report.Reporter) (Result, error) {
	r := &run{site: site, rep: rep, image: p.Image.ID, plan: p}
	if p.Done() {
		rep.Step("Image %s is current under %q already", p.Image, p.Name)
		_, err := livingClaim(ctx, site, p.Owner, p.Name, "") // a run may have died giving it back
		return r.result(), err
	}
	ctx, end := r.begin(ctx, p.Options.Timeout)
	defer end()
	for _, s := range steps {
		if r.plan.Done() { // another run was first
			rep.Step("Image %s is current under %q", p.Image, p.Name)
			break
		}
		if err := s.do(ctx, r); err != nil {
			return Result{}, r.failed(ctx, s, err)
		}
	}
	return r.result(), nil
}

// begin bounds the run. The function it returns ends it, and gives up its claim.
func (r *run) begin(ctx context.Context, timeout time.Duration) (context.Context, func()) {
	bounded, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("timeout of %s is over", timeout))
	within, stop := context.WithCancelCause(bounded)
	r.stop = stop
	return within, func() {
		r.claim.release(ctx, r.rep)
		stop(nil)
		cancel()
	}
}

// failed ends a promotion that didn't get through a step.
func (r *run) failed(ctx context.Context, s step, err error) error {
	if errors.Is(context.Cause(ctx), errTakenOver) {
		return errTakenOver // whoever took over settles what this run left
	}
	err = stopped(ctx, s.doing(), err)
	switch {
	case s == settleStep{}:
		return r.unfinished(ctx, err)
	case r.journal != nil:
		return r.rollBack(ctx, err)
	}
	return fault.New(fault.KindOf(err), "", "promoting image %s to %q (nothing is changed): %w", r.plan.Image, r.plan.Name, err)
}

// stopped says what was being done when the user interrupted the run, or when its time was over.
// Any other error is its own reason.
func stopped(ctx context.Context, doing string, err error) error {
	cause := context.Cause(ctx)
	_, told := errors.AsType[waited](err)
	switch {
	case cause == nil, told:
		return err
	case errors.Is(cause, context.Canceled):
		return fault.New(fault.Cancelled, "", "interrupted while %s", doing)
	case errors.Is(err, cause):
		return fault.New(fault.Unavailable, moreTime, "%w while %s", cause, doing)
	}
	return fault.New(fault.Unavailable, moreTime, "%w while %s: %w", cause, doing, err)
}

var moreTime = fault.Advise("give it more time with %s", fault.Option("timeout"))

func (r *run) result() Result {
	res := Result{ImageID: r.image, Name: r.plan.Name}
	if r.plan.Done() {
		return res
	}
	res.Changed, res.Archived, res.Members = true, map[string]string{}, len(r.plan.Members)
	for _, old := range r.plan.Predecessors {
		res.Archived[old.Image.ID] = old.Archive
	}
	for _, img := range r.plan.Prune {
		res.Pruned = append(res.Pruned, img.ID)
	}
	return res
}

// current reads the promoted image; it is fault.NotFound where somebody deleted it.
func (r *run) current(ctx context.Context) (*glance.Image, error) {
	return r.site.Images.Image(ctx, r.image)
}
