package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Plan is what has to be copied. Making one only reads.
type Plan struct {
	Images []*Image
	// Down is what has to be fetched, and Up what has to be sent to each registry, in bytes.
	Down int64
	Up   map[string]int64

	stores Stores
	o      Options
	blobs  map[blobKey]*blob
	order  []*blob // by their place in the images

	lists once[place] // of tags
	known sync.Map    // tagList by place
}

// The bounds of one image's index.
const (
	maxDepth     = 3
	maxManifests = 1000
)

// NewPlan looks up what sources and targets have. An image that can't be looked up is in the plan
// as failed.
func NewPlan(ctx context.Context, s Stores, jobs []Job, o Options) (*Plan, error) {
	p := &Plan{stores: s, o: o.filled(), Up: map[string]int64{}, blobs: map[blobKey]*blob{}}
	for _, j := range unique(jobs) {
		p.Images = append(p.Images, &Image{Job: j, State: Planned})
	}
	if err := clashes(p.Images); err != nil {
		return nil, err
	}
	each(p.Images, p.o.Images, func(i *Image) {
		if err := p.resolve(ctx, i); err != nil {
			i.State, i.Err = Failed, err
		}
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p.collect()
	each(p.order, p.o.Images, func(b *blob) {
		has, err := p.find(ctx, b)
		b.present = has || b.present
		if err != nil && !b.present {
			b.err = err
		}
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p.count()
	return p, nil
}

// unique drops jobs that are there twice.
func unique(jobs []Job) []Job {
	var all []Job
	for _, j := range jobs {
		if !slices.Contains(all, j) {
			all = append(all, j)
		}
	}
	return all
}

// clashes fails where two sources would become one target.
func clashes(images []*Image) error {
	by := map[string]*Image{}
	for _, i := range images {
		target := i.to().String()
		if other := by[target]; other != nil && (other.from() != i.from() || other.MultiArch != i.MultiArch) {
			return fault.New(fault.Usage, "", "%s and %s would both be copied to %s", other.Source, i.Source, i.Target)
		}
		by[target] = i
	}
	return nil
}

// each calls do for all, limit at a time.
func each[T any](all []T, limit int, do func(T)) {
	var group errgroup.Group
	group.SetLimit(limit)
	for _, one := range all {
		group.Go(func() error {
			do(one)
			return nil
		})
	}
	_ = group.Wait() // do keeps its own errors
}

// find looks where the target has the blob: where it goes first, else in the repositories that may
// have it.
func (p *Plan) find(ctx context.Context, b *blob) (has bool, err error) {
	s := p.stores.at(b.host)
	if has, err = s.HasBlob(ctx, b.host, b.home, b.Descriptor); has || err != nil || b.present {
		return has, err
	}
	for _, repository := range p.o.MayHave[b.Digest] {
		if has, err = s.HasBlob(ctx, b.host, repository, b.Descriptor); has || err != nil {
			b.home = repository
			return has, err
		}
	}
	for _, from := range slices.Clone(b.from) {
		f := p.stores.Folders[from.host]
		if f == nil {
			continue
		}
		if has, err := f.HasBlob(ctx, from.host, from.repository, b.Descriptor); err != nil {
			return false, err
		} else if !has {
			b.from = slices.DeleteFunc(b.from, func(p place) bool { return p == from })
		}
	}
	if len(b.from) == 0 {
		return false, fault.New(fault.NotFound, "", "blob %s of %d bytes is neither in the source nor at the target", b.Digest, b.Size)
	}
	return false, nil
}

// resolve finds what the target has to become, and whether it is that already.
func (p *Plan) resolve(ctx context.Context, i *Image) error {
	source, target := i.from(), i.to()
	d, found, err := p.stores.at(source.Host).Head(ctx, source)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, "", "image %s: not found", i.Source)
	}
	var index *registry.Manifest
	if d.IsIndex() && !i.MultiArch {
		if index, err = p.stores.at(source.Host).Manifest(ctx, source.With(d.Digest)); err != nil {
			return err
		}
		if d, err = index.Preferred(); err != nil {
			return fmt.Errorf("image %s: %w", i.Source, err)
		}
	}
	i.Digest = d.Digest
	now, found, err := p.stores.at(target.Host).Head(ctx, target)
	if err != nil {
		return err
	}
	current := found && now.Digest == d.Digest
	if current && p.o.Referrers != AllReferrers {
		i.State = Current
		return nil
	}
	if err := p.gather(ctx, i, source.With(d.Digest), 0); err != nil {
		return err
	}
	if err := p.attached(ctx, i); err != nil {
		return err
	}
	if current {
		if err := p.leaveOutCurrent(ctx, i); err != nil || i.State == Current {
			return err
		}
	}
	for _, b := range i.blobs {
		i.Bytes += b.Size
	}
	return nil
}

// gather fetches the manifest and all that it lists, what is listed first.
func (p *Plan) gather(ctx context.Context, i *Image, from registry.Image, depth int) error {
	m, err := p.stores.at(from.Host).Manifest(ctx, from)
	switch {
	case err != nil:
		return err
	case depth > maxDepth:
		return fault.New(fault.Usage, "", "image %s: indexes are nested deeper than %d", i.Source, maxDepth)
	case len(i.manifests) >= maxManifests:
		return fault.New(fault.Usage, "", "image %s: more than %d manifests", i.Source, maxManifests)
	}
	if m.IsIndex() {
		for _, child := range m.Manifests {
			if slices.ContainsFunc(i.manifests, func(had stored) bool { return had.Digest == child.Digest }) {
				continue
			}
			if err := p.gather(ctx, i, from.With(child.Digest), depth+1); err != nil {
				return err
			}
		}
	} else {
		for _, d := range m.Refers() {
			known := slices.ContainsFunc(i.blobs, func(b registry.Descriptor) bool { return b.Digest == d.Digest })
			if !known && !d.Foreign() {
				i.blobs = append(i.blobs, d)
			}
		}
	}
	i.manifests = append(i.manifests, stored{Manifest: m})
	return nil
}

// collect finds which registry needs which blob, where it goes first and where it comes from.
func (p *Plan) collect() {
	for _, i := range p.Images {
		if i.State != Planned {
			continue
		}
		source, target := i.from(), i.to()
		from := place{source.Host, source.Repository}
		for _, d := range i.blobs {
			key := blobKey{target.Host, d.Digest}
			b := p.blobs[key]
			if b == nil {
				b = &blob{Descriptor: d, host: target.Host, home: target.Repository, settled: make(chan struct{})}
				p.blobs[key] = b
				p.order = append(p.order, b)
			}
			if !slices.Contains(b.from, from) {
				b.from = append(b.from, from)
			}
			if from.host == target.Host && !b.present {
				// The registry itself has it, in the source's repository.
				b.home, b.present = from.repository, true
			}
		}
	}
}

// count adds up the bytes that are missing.
func (p *Plan) count() {
	down := map[string]int64{}
	for _, b := range p.order {
		if !b.present {
			p.Up[b.host] += b.Size
			down[b.Digest] = b.Size
		}
	}
	for _, size := range down {
		p.Down += size
	}
	for _, i := range p.Images {
		for _, d := range i.blobs {
			if b := p.blobs[blobKey{i.to().Host, d.Digest}]; b != nil && !b.present {
				i.Missing += d.Size
				b.images = append(b.images, i)
			}
		}
	}
}

// errs are the images' failures as one error: partial where others succeeded.
func (p *Plan) errs() error {
	var failed []error
	for _, i := range p.Images {
		if i.Err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", i.Target, i.Err))
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case len(failed) == len(p.Images):
		return fault.Wrap(fault.KindOf(failed[0]), "", fmt.Errorf("no image was copied: %w", errors.Join(failed...)))
	}
	return fault.Wrap(fault.Partial, "", fmt.Errorf("%d of %d images failed: %w", len(failed), len(p.Images), errors.Join(failed...)))
}

// bySize are the digests that have to be fetched, the largest first, with the registries they go to.
func (p *Plan) bySize() [][]*blob {
	by := map[string][]*blob{}
	for _, b := range p.order {
		if !b.present && b.err == nil {
			by[b.Digest] = append(by[b.Digest], b)
		}
	}
	var all [][]*blob
	for _, blobs := range by {
		all = append(all, blobs)
	}
	slices.SortFunc(all, func(a, b []*blob) int {
		return cmp.Or(cmp.Compare(b[0].Size, a[0].Size), cmp.Compare(a[0].Digest, b[0].Digest))
	})
	return all
}

// once does something for a key one time, however many ask, and gives all of them its outcome.
type once[K comparable] struct {
	mu  sync.Mutex
	did map[K]func() error
}

func (o *once[K]) do(key K, what func() error) error {
	o.mu.Lock()
	if o.did == nil {
		o.did = map[K]func() error{}
	}
	f, ok := o.did[key]
	if !ok {
		f = sync.OnceValue(what)
		o.did[key] = f
	}
	o.mu.Unlock()
	return f()
}
