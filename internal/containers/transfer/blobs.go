package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Blobs are the blobs of the jobs' sources, with what is attached to them: the names of the
// repositories that have them, by digest. Targets don't count.
func Blobs(ctx context.Context, s Stores, jobs []Job, o Options) (map[string][]string, error) {
	p := &Plan{stores: s, o: o.filled()}
	images := make([]*Image, len(jobs))
	for n, j := range jobs {
		images[n] = &Image{Job: j, source: s.Image(j.Source, j.SourceFolder)}
	}
	var mu sync.Mutex
	var errs []error
	blobs := map[string][]string{}
	each(images, p.o.Images, func(i *Image) {
		err := p.gather(ctx, i, i.source, 0)
		if err == nil {
			err = p.attached(ctx, i)
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", i.Source, err))
		}
		for _, d := range i.blobs {
			if name := i.Source.Name(); !slices.Contains(blobs[d.Digest], name) {
				blobs[d.Digest] = append(blobs[d.Digest], name)
			}
		}
	})
	return blobs, errors.Join(errs...)
}
