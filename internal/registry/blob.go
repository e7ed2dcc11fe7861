package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// HasBlob reports whether the repository has the blob.
func (c *Client) HasBlob(ctx context.Context, host, repository string, d Descriptor) (bool, error) {
	err := c.write(ctx, host, request{
		method: http.MethodHead, path: blobPath(repository, d.Digest), scope: scope{repository: repository, actions: "pull,push"},
		what: "looking for blob " + d.Digest + " in " + host + "/" + repository,
	}, nil, http.StatusOK)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Blob reads a blob from its first byte to its last. A connection that is cut goes on where it was
// cut. At the end size and digest are checked: a reader that gives io.EOF has given the blob.
func (c *Client) Blob(ctx context.Context, host, repository string, d Descriptor) (io.ReadCloser, error) {
	if _, err := newHash(d.Digest); err != nil {
		return nil, err
	}
	hosts, err := c.sources(host)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	b := &blob{c: c, hosts: hosts, ctx: ctx, cancel: cancel, repository: repository, d: d}
	if err := b.open(); err != nil {
		b.Close()
		return nil, err
	}
	return Checked(b, b.what(), d)
}

// blob is one blob while it is read.
type blob struct {
	c          *Client
	hosts      []*host
	ctx        context.Context
	cancel     context.CancelFunc
	repository string
	d          Descriptor
	body       io.ReadCloser
	at         int64 // bytes given so far
	cuts       int   // since the last byte
}

func (b *blob) what() string { return "blob " + b.d.Digest + " of " + b.repository }

// open asks for the rest of the blob: each of the hosts, until one has it.
func (b *blob) open() (err error) {
	for _, h := range b.hosts {
		if err = b.openAt(h); err == nil || b.ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (b *blob) openAt(h *host) error {
	r := request{
		method: http.MethodGet, path: blobPath(b.repository, b.d.Digest), what: b.what(),
		scope: scope{repository: b.repository, actions: "pull"}, header: http.Header{},
	}
	if b.at > 0 {
		r.header.Set("Range", fmt.Sprintf("bytes=%d-%d", b.at, b.d.Size-1)) // some registries want the end, too
	}
	resp, err := b.c.do(b.ctx, h, r, http.StatusOK, http.StatusPartialContent)
	if err != nil {
		return err
	}
	b.body = resp.Body
	if b.at > 0 && resp.StatusCode == http.StatusOK {
		// It sends the whole again, so what is known is skipped.
		if _, err := io.CopyN(io.Discard, resp.Body, b.at); err != nil {
			resp.Body.Close()
			return fault.Wrap(fault.Unavailable, "", fmt.Errorf("%s: %w", b.what(), err))
		}
	}
	return nil
}

// Read gives the next bytes.
func (b *blob) Read(p []byte) (int, error) {
	for {
		n, err := b.body.Read(p)
		if n > 0 {
			b.cuts = 0
			b.at += int64(n)
			return n, nil
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF) && b.at >= b.d.Size:
			return 0, io.EOF
		}
		if err := b.resume(err); err != nil {
			return 0, err
		}
	}
}

// resume goes on after the connection was cut, at most as often as requests are repeated.
func (b *blob) resume(cut error) error {
	b.body.Close()
	if b.ctx.Err() != nil {
		return fmt.Errorf("%s: %w", b.what(), context.Cause(b.ctx))
	}
	if errors.Is(cut, io.EOF) {
		cut = io.ErrUnexpectedEOF // not the end, to whoever reads this error
	}
	b.cuts++
	if b.cuts > max(b.c.o.Retries, 0) {
		return fault.Wrap(fault.Unavailable, "", fmt.Errorf("%s: cut off at byte %d of %d: %w", b.what(), b.at, b.d.Size, cut))
	}
	if err := wait(b.ctx, backoff(b.cuts)/2); err != nil {
		return fmt.Errorf("%s: %w", b.what(), err)
	}
	return b.open()
}

// Close ends reading.
func (b *blob) Close() error {
	b.cancel()
	if b.body == nil {
		return nil
	}
	return b.body.Close()
}

// Mount makes a blob of one repository a blob of another, without sending it. done is false where
// the registry can't.
func (c *Client) Mount(ctx context.Context, host, repository, digest, from string) (done bool, err error) {
	err = c.write(ctx, host, request{
		method: http.MethodPost, path: uploadsPath(repository), query: url.Values{"mount": {digest}, "from": {from}},
		scope: scope{repository: repository, actions: "pull,push", from: from},
		what:  "mounting blob " + digest + " in " + host + "/" + repository,
	}, func(resp *http.Response) error {
		done = resp.StatusCode == http.StatusCreated
		if !done {
			c.abandon(ctx, host, repository, resp.Header.Get("Location"))
		}
		return nil
	}, http.StatusCreated, http.StatusAccepted)
	return done, err
}

// Upload sends a blob; open gives its bytes from the first on. The registry checks the digest.
func (c *Client) Upload(ctx context.Context, host, repository string, d Descriptor, body io.Reader) error {
	h, err := c.at(host)
	if err != nil {
		return err
	}
	what := "uploading blob " + d.Digest + " to " + host + "/" + repository
	s := scope{repository: repository, actions: "pull,push"}
	resp, err := c.do(ctx, h, request{method: http.MethodPost, path: uploadsPath(repository), scope: s, what: what}, http.StatusAccepted)
	if err != nil {
		return err
	}
	location := resp.Header.Get("Location")
	drain(resp)
	if location == "" {
		return fault.New(fault.Internal, "", "%s: the registry gave no address to send it to", what)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := &watched{Reader: body, timer: time.AfterFunc(idle, func() { cancel(errIdle) })}
	defer watched.timer.Stop()
	resp, err = c.do(ctx, h, request{
		method: http.MethodPut, path: location, query: url.Values{"digest": {d.Digest}}, scope: s, what: what, once: true, size: d.Size,
		header: http.Header{"Content-Type": {"application/octet-stream"}},
		body:   func() (io.ReadCloser, error) { return io.NopCloser(watched), nil },
	}, http.StatusCreated, http.StatusNoContent)
	if err != nil {
		c.abandon(context.WithoutCancel(ctx), host, repository, location)
		return err
	}
	drain(resp)
	return nil
}

var errIdle = fault.New(fault.Unavailable, "", "no byte was taken for %s", idle)

// watched keeps a timer from ending as long as bytes flow.
type watched struct {
	io.Reader
	timer *time.Timer
}

func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(idle)
	return w.Reader.Read(p)
}

// abandon ends an upload that isn't wanted, so that the registry needn't keep it. It may fail.
func (c *Client) abandon(ctx context.Context, host, repository, location string) {
	h, err := c.at(host)
	if err != nil || location == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	resp, _, err := c.send(ctx, h, request{
		method: http.MethodDelete, path: location, scope: scope{repository: repository, actions: "pull,push"}, what: "ending an upload",
	})
	if err == nil {
		drain(resp)
	}
}

func blobPath(repository, digest string) string { return "/v2/" + repository + "/blobs/" + digest }

func uploadsPath(repository string) string { return "/v2/" + repository + "/blobs/uploads/" }
