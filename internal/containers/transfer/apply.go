package transfer

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/time/rate"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Done reports whether all targets are as they should be.
func (p *Plan) Done() bool {
	for _, i := range p.Images {
		if i.State != Current {
			return false
		}
	}
	return true
}

// Loss is empty: a tag moves to another image, and nothing is deleted.
func (*Plan) Loss() string { return "" }

// Notes are none.
func (*Plan) Notes() []fault.Advice { return nil }

// Rows are the images.
func (p *Plan) Rows() []change.Row {
	rows := make([]change.Row, 0, len(p.Images))
	for _, i := range p.Images {
		why := ""
		if i.Err != nil {
			why = i.Err.Error()
		}
		rows = append(rows, change.Row{
			{Key: "source", Value: i.Source.String()},
			{Key: "target", Value: i.Target.String()},
			{Key: "state", Value: string(i.State)},
			{Key: "bytes", Value: i.Bytes},
			{Key: "missing", Value: i.Missing},
			{Key: "digest", Value: i.Digest},
			{Key: "attached", Value: i.Attached},
			{Key: "problem", Value: why},
		})
	}
	return rows
}

// run is one copy under way.
type run struct {
	*Plan
	rep    report.Reporter
	all    progress
	rate   *rate.Limiter // nil is none
	mounts once[mount]
	attach sync.Map // a mutex for each place: one list may be changed for each that is attached there
}

// mount is one blob in one repository.
type mount struct{ host, repository, digest string }

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
		return fmt.Errorf("copying images: %w", context.Cause(ctx))
	}
	return p.errs()
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

func (r *run) store(ctx context.Context, i *Image, target registry.Image) error {
	for _, d := range i.blobs {
		b := r.blobs[blobKey{target.Host, d.Digest}]
		if b.home == target.Repository {
			continue
		}
		m := mount{target.Host, target.Repository, d.Digest}
		if err := r.mounts.do(m, func() error { return r.mount(ctx, m, b) }); err != nil {
			return err
		}
	}
	for n, m := range i.manifests {
		if err := r.storeOne(ctx, i, target, m, n == len(i.manifests)-1); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) storeOne(ctx context.Context, i *Image, target registry.Image, m stored, last bool) error {
	if m.attached {
		mu, _ := r.attach.LoadOrStore(place{target.Host, target.Repository}, &sync.Mutex{})
		one := mu.(*sync.Mutex) //nolint:forcetypeassert // nothing else is stored
		one.Lock()
		defer one.Unlock()
		return r.stores.at(target.Host).Attach(ctx, target, m.Manifest)
	}
	name := target.With(m.Digest)
	switch {
	case m.tag != "":
		name = target.With(m.tag)
	case last && i.Target.Digest == "":
		name = target
	}
	return r.put(ctx, i, name, m.Manifest)
}

// put stores a manifest. A registry that misses a blob then, because it was deleted since it was
// looked up or because another run is writing the same, gets it again.
func (r *run) put(ctx context.Context, i *Image, name registry.Image, m *registry.Manifest) error {
	retry := change.DefaultRetry
	for try := 1; ; try++ {
		err := r.stores.at(name.Host).PutManifest(ctx, name, m)
		if !registry.LacksBlob(err) || m.IsIndex() || try >= retry.Tries || !change.Sleep(ctx, retry.Pause(try)) {
			return err
		}
		for _, d := range m.Refers() {
			if d.Foreign() {
				continue
			}
			if err := r.restore(ctx, i, name, d); err != nil {
				return err
			}
		}
	}
}

// restore sends a blob that the repository lacks, from the image's own source.
func (r *run) restore(ctx context.Context, i *Image, name registry.Image, d registry.Descriptor) error {
	to := r.stores.at(name.Host)
	has, err := to.HasBlob(ctx, name.Host, name.Repository, d)
	if err != nil || has {
		return err
	}
	source := i.from()
	return again(ctx, func() error {
		body, err := r.open(ctx, place{source.Host, source.Repository}, d)
		if err != nil {
			return err
		}
		defer body.Close()
		return to.Upload(ctx, name.Host, name.Repository, d, body)
	})
}

// mount makes the blob one of the repository. Where the registry doesn't mount, the blob is there
// already or goes from the registry's one repository to the other.
func (r *run) mount(ctx context.Context, m mount, b *blob) error {
	to := r.stores.at(m.host)
	done, err := to.Mount(ctx, m.host, m.repository, m.digest, b.home)
	if err != nil || done {
		return err
	}
	has, err := to.HasBlob(ctx, m.host, m.repository, b.Descriptor)
	if err != nil || has {
		return err
	}
	return again(ctx, func() error {
		body, err := r.open(ctx, place{m.host, b.home}, b.Descriptor)
		if err != nil {
			return err
		}
		defer body.Close()
		return to.Upload(ctx, m.host, m.repository, b.Descriptor, body)
	})
}

// again repeats what a registry or the way to it may have failed in passing.
func again(ctx context.Context, do func() error) error {
	retry := change.DefaultRetry
	for try := 1; ; try++ {
		err := do()
		if err == nil || !fault.Is(err, fault.Unavailable) || try >= retry.Tries || !change.Sleep(ctx, retry.Pause(try)) {
			return err
		}
	}
}
