package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/time/rate"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// send brings one blob to all registries that need it. It is fetched once; a registry that fails in
// passing makes it be fetched again for that registry alone.
func (r *run) send(ctx context.Context, blobs []*blob) {
	retry := change.DefaultRetry
	left := blobs
	for try := 1; len(left) > 0; try++ {
		errs := r.stream(ctx, left)
		var failed []*blob
		for n, b := range left {
			switch b.err = errs[n]; {
			case b.err == nil:
				close(b.settled)
			case fault.Is(b.err, fault.Unavailable) && try < retry.Tries && ctx.Err() == nil:
				failed = append(failed, b)
			default:
				close(b.settled)
			}
		}
		if left = failed; len(left) > 0 && !change.Sleep(ctx, retry.Pause(try)) {
			for _, b := range left {
				close(b.settled)
			}
			return
		}
	}
}

// stream sends the blob's bytes to all targets at the pace of the slowest, and gives each target's
// error. One that fails doesn't hold up the others.
func (r *run) stream(ctx context.Context, blobs []*blob) []error {
	errs := make([]error, len(blobs))
	body, err := r.fetch(ctx, blobs[0])
	if err != nil {
		for n := range errs {
			errs[n] = err
		}
		return errs
	}
	defer body.Close()
	if len(blobs) == 1 {
		b := blobs[0]
		errs[0] = r.upload(ctx, b, body)
		return errs
	}
	var uploads sync.WaitGroup
	pipes := make([]*io.PipeWriter, len(blobs))
	for n, b := range blobs {
		reader, writer := io.Pipe()
		pipes[n] = writer
		uploads.Go(func() {
			errs[n] = r.upload(ctx, b, reader)
			reader.CloseWithError(errStopped) // whatever is still written goes nowhere
		})
	}
	failed := tee(body, pipes)
	uploads.Wait()
	for n := range errs {
		if failed != nil && errs[n] != nil {
			errs[n] = failed // the source is why
		}
	}
	return errs
}

var errStopped = errors.New("the upload has ended")

// tee copies the body into all pipes, and leaves out those that are closed. It gives the error of
// the body, with which it closes the pipes.
func tee(body io.Reader, pipes []*io.PipeWriter) error {
	buffer := make([]byte, 64<<10)
	open := append([]*io.PipeWriter(nil), pipes...)
	for {
		n, err := body.Read(buffer)
		for k, p := range open {
			if p == nil || n == 0 {
				continue
			}
			if _, writeErr := p.Write(buffer[:n]); writeErr != nil {
				open[k] = nil
			}
		}
		if err == nil {
			continue
		}
		for _, p := range pipes {
			p.CloseWithError(err)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
}

// fetch opens the blob at the first of its sources that has it.
func (r *run) fetch(ctx context.Context, b *blob) (body io.ReadCloser, err error) {
	for _, from := range b.from {
		if body, err = r.open(ctx, from, b.Descriptor); err == nil {
			return body, nil
		}
	}
	return nil, fmt.Errorf("fetching: %w", err)
}

func (r *run) upload(ctx context.Context, b *blob, body io.Reader) error {
	counted := &counter{Reader: body, r: r, images: b.images}
	err := r.stores.at(b.host).Upload(ctx, b.host, b.home, b.Descriptor, counted)
	if err != nil {
		counted.takeBack()
	}
	return err
}

// open reads a blob, no faster than the run may.
func (r *run) open(ctx context.Context, from place, d registry.Descriptor) (io.ReadCloser, error) {
	body, err := r.stores.at(from.host).Blob(ctx, from.host, from.repository, d)
	if err != nil || r.rate == nil {
		return body, err
	}
	return &paced{body, ctx, r.rate}, nil
}

// burst is how much is read at once where there is a rate.
const burst = 64 << 10

type paced struct {
	io.ReadCloser
	ctx  context.Context
	rate *rate.Limiter
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b[:min(len(b), burst)])
	if waitErr := p.rate.WaitN(p.ctx, n); waitErr != nil && err == nil {
		err = waitErr
	}
	return n, err
}
