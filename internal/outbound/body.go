package outbound

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

var (
	// ErrCut is an answer of which only a part came.
	ErrCut = errors.New("the response was cut off")
	// ErrTooLarge is an answer that is larger than it may be.
	ErrTooLarge = errors.New("the response is too large")
	// ErrTooSlow is an answer that stopped arriving, or arrives drop by drop.
	ErrTooSlow = errors.New("the response took too long")
)

// enough is how many bytes have to arrive in each Policy.Idle, so that a body that drips is told
// from a slow line.
const enough = 1 << 10

type limitKey struct{}

// Limit bounds the answers of the requests with the context to n bytes.
func Limit(ctx context.Context, n int64) context.Context {
	return context.WithValue(ctx, limitKey{}, n)
}

// bounded is the body with the policy's bounds. cancel ends the request.
func (t *Transport) bounded(req *http.Request, body io.ReadCloser, cancel context.CancelCauseFunc) io.ReadCloser {
	b := &boundedBody{body: body, limit: t.policy.MaxBody, cancel: cancel, idle: t.policy.Idle}
	if n, ok := req.Context().Value(limitKey{}).(int64); ok {
		b.limit = n
	}
	b.left = b.limit
	b.idleTimer = time.AfterFunc(b.idle, func() {
		b.stop(fmt.Errorf("%w: less than %d bytes came in %s", ErrTooSlow, enough, b.idle))
	})
	b.idleTimer.Stop()
	if t.policy.Total > 0 {
		b.totalTimer = time.AfterFunc(t.policy.Total, func() {
			b.stop(fmt.Errorf("%w: it takes longer than %s", ErrTooSlow, t.policy.Total))
		})
	}
	return b
}

type boundedBody struct {
	body                  io.ReadCloser
	limit, left           int64 // negative is any number
	cancel                context.CancelCauseFunc
	idleTimer, totalTimer *time.Timer

	// Since enough arrived. Only the time in which somebody waits counts: a reader that takes its
	// time is no fault of the server's.
	idle, waited time.Duration
	arrived      int

	mu      sync.Mutex
	stopped error // why
}

func (b *boundedBody) stop(err error) {
	b.mu.Lock()
	b.stopped = cmp.Or(b.stopped, err)
	b.mu.Unlock()
	b.cancel(err)
}

func (b *boundedBody) Read(p []byte) (int, error) {
	start := time.Now()
	b.idleTimer.Reset(b.idle - b.waited)
	n, err := b.body.Read(p)
	b.idleTimer.Stop()
	b.waited += time.Since(start)
	if b.arrived += n; b.arrived >= enough {
		b.arrived, b.waited = 0, 0
	}
	if b.limit >= 0 {
		if b.left -= int64(n); b.left < 0 {
			return 0, fmt.Errorf("%w: it has more than %s", ErrTooLarge, size(b.limit))
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.mu.Lock()
		defer b.mu.Unlock()
		err = cmp.Or(b.stopped, err)
	}
	return n, err
}

func (b *boundedBody) Close() error {
	if b.totalTimer != nil {
		b.totalTimer.Stop()
	}
	err := b.body.Close()
	b.cancel(nil)
	return err
}

func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// whole reads the answer's body, and checks what it is.
func (t *Transport) whole(req *http.Request, resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	switch {
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrTooSlow), err != nil && req.Context().Err() != nil:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCut, err)
	}
	if err := notJSON(req, resp, body); err != nil {
		return nil, err
	}
	if t.policy.Links && req.Method == http.MethodGet && resp.StatusCode == http.StatusOK {
		if body, err = t.relink(req, body); err != nil {
			return nil, err
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp, nil
}
