package upload

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

const (
	progressed = 1 << 20 // bytes after which a source that failed before counts as well again
	maxReopen  = 100     // times that one source is opened
)

// resuming reads a source from its beginning to its end, over connections that fail.
type resuming struct {
	ctx    context.Context
	source Source
	rep    report.Reporter

	body  *Opened
	size  int64 // of all the data, negative if unknown
	at    int64
	opens int
	since int // tries since it last progressed
	mark  int64
}

// open opens the source, at the place that was reached.
func (r *resuming) open() error {
	for {
		r.opens++
		r.since++
		body, err := r.source.Open(r.ctx, r.at)
		if err == nil {
			r.body, r.size, r.mark = body, body.Size, r.at
			if r.size < 0 && r.source.Size > 0 {
				r.size = r.source.Size
			}
			return nil
		}
		if err := r.again(err); err != nil {
			return err
		}
	}
}

// again waits before the next try; it returns the error if there is to be none.
func (r *resuming) again(err error) error {
	kind := fault.KindOf(err)
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	if kind != fault.Unavailable || r.since >= change.DefaultRetry.Tries || r.opens >= maxReopen {
		return fmt.Errorf("reading %s: %w", r.source.Name, err)
	}
	if !change.Sleep(r.ctx, change.DefaultRetry.Pause(r.since)) {
		return context.Cause(r.ctx)
	}
	return nil
}

// Read fills b as far as the data goes.
func (r *resuming) Read(b []byte) (n int, err error) {
	if r.body == nil {
		if err := r.open(); err != nil {
			return 0, err
		}
	}
	n, err = r.body.Read(b)
	r.at += int64(n)
	if r.at-r.mark >= progressed {
		r.since = 0
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && (r.size < 0 || r.at == r.size):
		return n, io.EOF
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("its data ends after %d of %d bytes", r.at, r.size)
	}
	r.Close()
	if r.size >= 0 && r.at > r.size {
		return n, fault.New(fault.Conflict, "", "%s has more than the %d bytes that it says", r.source.Name, r.size)
	}
	if err := r.again(fault.Wrap(fault.Unavailable, "", err)); err != nil {
		return n, err
	}
	r.rep.Warn("reading %s: %v; resuming at byte %d", r.source.Name, err, r.at)
	return n, nil
}

func (r *resuming) Close() {
	if r.body != nil {
		r.body.Close()
		r.body = nil
	}
}
