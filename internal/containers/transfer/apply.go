package transfer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/time/rate"

	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// run is one copy under way.
type run struct {
	*Plan
	rep    report.Reporter
	all    progress
	rate   *rate.Limiter // nil is none
	mounts once[mount]
	attach sync.Map // a mutex for each place: one list may be changed for each that is attached there
}

// Apply copies what is missing. Its error says which images failed; the others are copied.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	if err := p.fits(); err != nil {
		return err
	}
	r := &run{Plan: p, rep: rep}
	if p.o.Rate > 0 {
		r.rate = rate.NewLimiter(rate.Limit(p.o.Rate), burst)
	}
	for _, n := range p.Up {
		r.all.total += n
	}
	for _, i := range p.Images {
		i.progress.total = i.Missing
	}
	var images sync.WaitGroup
	slots := make(chan struct{}, p.o.Images)
	for _, i := range p.Images {
		if i.State == Planned {
			images.Go(func() { r.image(ctx, i, slots) })
		}
	}
	r.settleKnown()
	each(p.bySize(), p.o.Blobs, func(blobs []*blob) { r.send(ctx, blobs) })
	images.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("copying images: %w; run it again to copy the rest", context.Cause(ctx))
	}
	err := p.errs()
	return errors.Join(err, p.finish(ctx, err != nil))
}

// finish ends writing to folders.
func (p *Plan) finish(ctx context.Context, failed bool) error {
	done := map[string]bool{}
	for _, i := range p.Images {
		f := p.stores.Folders[i.TargetFolder]
		if f == nil || done[i.TargetFolder] {
			continue
		}
		done[i.TargetFolder] = true
		if err := f.Finish(ctx, failed); err != nil {
			return err
		}
	}
	return nil
}

// settleKnown lets images go on with the blobs that are there, or that couldn't be looked up.
func (r *run) settleKnown() {
	for _, b := range r.order {
		if b.present || b.err != nil {
			close(b.settled)
		}
	}
}

// image waits for the image's blobs, mounts them where they have to be, and stores its manifests.
func (r *run) image(ctx context.Context, i *Image, slots chan struct{}) {
	target := i.to()
	err := r.await(ctx, i, target.Host)
	if err == nil {
		select {
		case slots <- struct{}{}:
			err = r.store(ctx, i, target)
			<-slots
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		i.State, i.Err = Failed, err
		if ctx.Err() == nil {
			r.rep.Warn("%s failed: %v", i.Target, err)
		}
		return
	}
	i.State = Copied
	r.rep.Step("Copied %s to %s", i.Source, i.Target)
}

// await waits until the target's registry has all blobs of the image.
func (r *run) await(ctx context.Context, i *Image, host string) error {
	for _, d := range i.blobs {
		b := r.blobs[blobKey{host, d.Digest}]
		select {
		case <-b.settled:
			if b.err != nil {
				return b.err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
