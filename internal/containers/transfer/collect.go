package transfer

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// find looks where the target has the blob: where it goes first, else in the repositories that may
// have it.
func (p *Plan) find(ctx context.Context, b *blob) (has bool, err error) {
	s := p.stores.at(b.host)
	if has, err = p.here(ctx, b); has || err != nil || b.present {
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
				if l := p.early.of[key]; l != nil {
					b.home = l.repository
				}
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
		if !b.present && b.err == nil {
			p.Up[b.host] += b.Size
			down[b.Digest] = b.Size
		}
	}
	for _, size := range down {
		p.Down += size
	}
	for _, i := range p.Images {
		for _, d := range i.blobs {
			b := p.blobs[blobKey{i.to().Host, d.Digest}]
			switch {
			case b == nil || b.present:
			case b.err != nil:
				i.State, i.Err = Failed, b.err
			default:
				i.Missing += d.Size
				b.images = append(b.images, i)
			}
		}
	}
}
