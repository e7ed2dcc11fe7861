package transfer

import (
	"context"
	"sync"
)

// early looks for blobs at the targets while other images are still being looked up at their sources.
type early struct {
	group sync.WaitGroup
	slots chan struct{}
	mu    sync.Mutex
	of    map[blobKey]*look
}

// look is one blob that was looked for in one repository.
type look struct {
	repository string
	has        bool
	err        error
}

// begin looks for the image's blobs that nobody has looked for, each in the image's repository, which
// becomes the blob's home.
func (p *Plan) begin(ctx context.Context, i *Image) {
	source, target := i.from(), i.to()
	if i.State != Planned || source.Host == target.Host {
		return
	}
	p.early.mu.Lock()
	defer p.early.mu.Unlock()
	for _, d := range i.blobs {
		key := blobKey{target.Host, d.Digest}
		if p.early.of[key] != nil {
			continue
		}
		l := &look{repository: target.Repository}
		p.early.of[key] = l
		p.early.group.Go(func() {
			p.early.slots <- struct{}{}
			defer func() { <-p.early.slots }()
			l.has, l.err = p.stores.at(target.Host).HasBlob(ctx, target.Host, target.Repository, d)
		})
	}
}

// here reports whether the blob's home has it.
func (p *Plan) here(ctx context.Context, b *blob) (bool, error) {
	if l := p.early.of[blobKey{b.host, b.Digest}]; l != nil && l.repository == b.home {
		return l.has, l.err
	}
	return p.stores.at(b.host).HasBlob(ctx, b.host, b.home, b.Descriptor)
}
