package transfer

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
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

	early early
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
		p.Images = append(p.Images, &Image{
			Job: j, State: Planned, source: s.Image(j.Source, j.SourceFolder), target: s.Image(j.Target, j.TargetFolder),
		})
	}
	if err := clashes(p.Images); err != nil {
		return nil, err
	}
	p.early = early{slots: make(chan struct{}, p.o.Images), of: map[blobKey]*look{}}
	each(p.Images, p.o.Images, func(i *Image) {
		if err := p.resolve(ctx, i); err != nil {
			i.State, i.Err = Failed, err
		}
		p.begin(ctx, i)
	})
	p.early.group.Wait()
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
