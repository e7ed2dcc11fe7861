package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

const (
	imageTime  = 6 * time.Hour
	settleTime = 15 * time.Minute
)

// Apply brings the images in turn. One that fails doesn't stop the others: fault.Partial.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	var errs []error
	good := 0
	for _, i := range p.Items {
		err := i.problem
		if i.Action != None && i.Action != Refused {
			err = p.bring(ctx, i, rep)
		}
		busy, _ := errors.AsType[*promote.Busy](err)
		if i.Outcome = Done; busy != nil {
			i.Outcome, i.Reason = Busy, reason(err)
			rep.Warn("%v", err)
			good++
		} else if err != nil {
			i.Outcome = Failed
			i.Reason, i.problem = reason(err), err
			errs = append(errs, fmt.Errorf("image %q: %w", i.Name, err))
		} else if good++; i.Action == None {
			i.Outcome = ""
		}
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx))...)
		}
	}
	return p.sum(good, errs)
}

// sum is the error of a whole run.
func (p *Plan) sum(good int, errs []error) error {
	errs = append(errs, p.failed...)
	switch {
	case len(errs) == 0:
		return nil
	case good > 0 || len(errs) > 1:
		return fault.Wrap(fault.Partial, "", errors.Join(errs...))
	}
	return errs[0]
}

// bring makes one image current.
func (p *Plan) bring(ctx context.Context, i *Item, rep report.Reporter) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(p.options.Timeout, imageTime), fmt.Errorf("the time for the image is over"))
	defer cancel()
	site := p.site.promotion()
	ctx, unlock, err := promote.Lock(ctx, site, i.Name, rep)
	if err != nil {
		return err
	}
	defer unlock()
	if i.Action == Settle || i.Action == Clean { // which also removes the claims of dead promotions
		if err := settle(ctx, site, i.Name, rep); err != nil {
			return err
		}
	}
	// Another run may have been first.
	own, err := ownImages(ctx, p.site)
	if err != nil {
		return err
	}
	if err := i.judge(ctx, p.site, own); err != nil {
		return err
	}
	if i.Action == None {
		return p.removeLeft(ctx, own, func(img *glance.Image) bool { return i.unwanted(img) && promote.ClaimedName(img) == "" }, rep)
	}
	img, err := p.staged(ctx, i, own, rep)
	if err != nil {
		return err
	}
	if err = p.try(ctx, img, rep); err == nil {
		err = p.promote(ctx, site, i, img, rep)
	}
	if err != nil && ctx.Err() != nil { // the next run would go on with it, but nobody may want one
		return errors.Join(err, p.discard(ctx, img.ID))
	}
	if err != nil {
		return err
	}
	i.ImageID, i.Size, i.done = img.ID, img.Size, true
	return nil
}

// discard removes an image that was uploaded, unless a promotion that couldn't be rolled back has it.
func (p *Plan) discard(ctx context.Context, id string) error {
	late, done := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer done()
	img, err := p.site.Images.Image(late, id)
	switch {
	case fault.Is(err, fault.NotFound), err == nil && promote.Concerns(img):
		return nil
	case err != nil:
		return err
	}
	return p.site.Images.Delete(late, id)
}

func settle(ctx context.Context, site promote.Site, name string, rep report.Reporter) error {
	plan, err := promote.NewResume(ctx, site, site.Project, name)
	if err != nil {
		return err
	}
	return promote.Resume(ctx, site, plan, settleTime, rep)
}

// staged is an image with the offered data that isn't current yet: one that a dead run left, or a new one.
func (p *Plan) staged(ctx context.Context, i *Item, own *own, rep report.Reporter) (*glance.Image, error) {
	var left *glance.Image
	useless := func(img *glance.Image) bool { return i.left(img) && img != left }
	for _, img := range own.all {
		if i.left(img) && img.Properties[upload.VerifiedKey] != "" && i.holds(img) {
			left = img
		}
	}
	if err := p.removeLeft(ctx, own, useless, rep); err != nil {
		return nil, err
	}
	switch {
	case left != nil && left.Properties[FailedKey] != "":
		return nil, fault.New(fault.Conflict, fault.Advise("delete image %s to have it tried again", left.ID),
			"the image was tried before, and failed: %s", left.Properties[FailedKey])
	case left != nil:
		rep.Step("Going on with image %s, which a run had uploaded that ended early", left)
		return left, nil
	}
	rep.Step("Uploading %q, release %s, from %s", i.Name, i.Release, i.From)
	return upload.Stage(ctx, p.site.Images, i.offer.Source, i.uploadOptions(), rep)
}

// left reports whether a run left an image of the name unfinished. Whoever holds the name's lock knows
// that the run is dead.
func (i *Item) left(img *glance.Image) bool {
	return img.Properties[ForKey] == i.Name && !promote.Concerns(img)
}

// unwanted is left without the images that failed a test, which people may want to look at.
func (i *Item) unwanted(img *glance.Image) bool {
	return i.left(img) && img.Properties[FailedKey] == "" || promote.Claims(img, i.Name)
}

// holds reports whether an image of a dead run has the offered data.
func (i *Item) holds(img *glance.Image) bool {
	same, known := upload.Holds(img, i.offer.Source.Sums)
	if !known {
		return img.Status == glance.StatusActive && i.offer.Marked(img)
	}
	return same
}

// removeLeft removes images that dead runs left.
func (p *Plan) removeLeft(ctx context.Context, own *own, useless func(*glance.Image) bool, rep report.Reporter) error {
	for _, img := range own.all {
		if !useless(img) {
			continue
		}
		rep.Step("Removing image %s, which run %s left unfinished", img, img.Properties[cloud.RunKey])
		if err := p.site.Images.Delete(ctx, img.ID); err != nil {
			return err
		}
	}
	return nil
}

func (i *Item) uploadOptions() upload.Options {
	from, image := i.offer.from, i.offer.Image
	properties := map[string]string{}
	maps.Copy(properties, image.Properties)
	maps.Copy(properties, from.Properties)
	maps.Copy(properties, i.offer.Marks)
	properties[ForKey] = i.Name
	image.Properties = properties
	image.Tags = slices.Compact(slices.Sorted(slices.Values(slices.Concat(image.Tags, from.Tags))))
	return upload.Options{Run: cloud.NewRun(), Image: image, Via: from.Via, Convert: from.Convert, Unchecked: from.Unchecked}
}

// try tests the image. One that fails stays hidden, with the reason.
func (p *Plan) try(ctx context.Context, img *glance.Image, rep report.Reporter) error {
	if p.options.Test == nil {
		return nil
	}
	err := p.options.Test(ctx, img, rep)
	failure, failed := errors.AsType[*boottest.Failure](err)
	if !failed || ctx.Err() != nil {
		return err
	}
	late, done := cloud.Grace(ctx)
	defer done()
	_, unmarked := p.site.Images.Update(late, img.ID, glance.Patch{}.Set(FailedKey, failure.Reason()))
	return errors.Join(fmt.Errorf("image %s isn't made current: %w", img, err), unmarked)
}

func (p *Plan) promote(ctx context.Context, site promote.Site, i *Item, img *glance.Image, rep report.Reporter) error {
	from := i.offer.from
	o := promote.Options{
		ImageID: img.ID, Name: i.Name, ArchiveName: from.ArchiveName, OldAction: from.OldAction, Owner: p.site.Project,
		Visibility: i.offer.Visibility,
	}
	if i.Current == nil {
		o.Visibility = cmp.Or(i.offer.Visibility, from.Visibility)
	}
	plan, err := promote.NewPlan(ctx, site, o)
	if err != nil {
		return err
	}
	_, err = promote.Apply(ctx, site, plan, rep)
	return err
}
