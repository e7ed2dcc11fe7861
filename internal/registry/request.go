package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// request is one question to a registry.
type request struct {
	method, path string // path after the base, or a whole URL that the registry gave
	query        url.Values
	header       http.Header
	scope        scope
	what         string // for errors, such as "manifest of docker.io/t/nova-api:l"
	// body gives the body from its start; nil is none. Where it gives an error, the request ends.
	body func() (io.ReadCloser, error)
	size int64
	once bool // the body can't be given twice
	// limit is how long the answer's body may be; 0 is any length.
	limit int64
}

// do sends the request until an answer comes that isn't a passing failure. The caller closes the
// body; a status that isn't in ok is an error.
func (c *Client) do(ctx context.Context, h *host, r request, ok ...int) (*http.Response, error) {
	for attempt, signIns := 0, 0; ; {
		resp, sent, err := c.send(ctx, h, r)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, fmt.Errorf("%s: %w", r.what, context.Cause(ctx))
		case err != nil && (r.once || !passing(err) || attempt >= c.o.Retries):
			return nil, fmt.Errorf("%s: %w", r.what, unreachable(h, err))
		case err != nil:
			attempt++
			if err := wait(ctx, backoff(attempt)); err != nil {
				return nil, fmt.Errorf("%s: %w", r.what, err)
			}
			continue
		case slices.Contains(ok, resp.StatusCode):
			return resp, nil
		}
		again, delay := c.again(h, r, resp, sent, attempt, signIns)
		if !again || r.once {
			err := h.refused(r, resp, sent)
			resp.Body.Close()
			return nil, fmt.Errorf("%s: %w", r.what, err)
		}
		if resp.StatusCode == http.StatusUnauthorized {
			signIns++
		} else {
			attempt++
		}
		drain(resp)
		if err := wait(ctx, delay); err != nil {
			return nil, fmt.Errorf("%s: %w", r.what, err)
		}
	}
}

// again decides whether an answer is worth another try, and when.
func (c *Client) again(h *host, r request, resp *http.Response, sent string, attempt, signIns int) (bool, time.Duration) {
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		return signIns < 3 && h.auth.challenged(resp, r.scope, sent), 0
	case http.StatusTooManyRequests, http.StatusRequestTimeout,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		asked, _ := change.RetryAfter(resp.Header)
		if attempt >= c.o.Retries || asked > change.MaxRetryAfter {
			return false, 0
		}
		return true, max(backoff(attempt+1), asked)
	}
	return false, 0
}

// send sends it once. It counts as one of the registry's requests until the answer begins: a blob
// that is being read may need another request, to go on after a cut, while its upload waits for it.
func (c *Client) send(ctx context.Context, h *host, r request) (resp *http.Response, sent string, err error) {
	slots := h.reads
	if r.method != http.MethodGet && r.method != http.MethodHead {
		slots = h.writes
	}
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return nil, "", context.Cause(ctx)
	}
	defer func() { <-slots }()
	if err := h.ready(ctx); err != nil {
		return nil, "", err
	}
	address, ours, err := h.address(r)
	if err != nil {
		return nil, "", err
	}
	var body io.ReadCloser = http.NoBody
	if r.body != nil {
		if body, err = r.body(); err != nil {
			return nil, "", err
		}
	}
	if r.limit > 0 {
		ctx = outbound.Limit(ctx, r.limit)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, "", err
	}
	if r.body != nil {
		q.ContentLength = r.size
	}
	if r.header != nil {
		q.Header = r.header.Clone()
	}
	q.Header.Set("User-Agent", c.o.UserAgent)
	q.Header.Set("Accept-Encoding", "identity") // what has a digest is its bytes
	if ours {
		if sent, err = h.auth.header(ctx, r.scope); err != nil {
			body.Close()
			return nil, "", err
		}
		if sent != "" {
			q.Header.Set("Authorization", sent)
		}
	}
	resp, err = h.http.Do(q)
	if c.o.Count != nil {
		status := 0
		if resp != nil {
			status = resp.StatusCode
		}
		c.o.Count(r.method, address, status)
	}
	if err != nil {
		return nil, sent, bare(err)
	}
	return resp, sent, nil
}

func (h *host) ready(ctx context.Context) error {
	h.mu.Lock()
	find := h.scheme
	h.mu.Unlock()
	if find == nil {
		return nil
	}
	return find(ctx)
}

// address is the request's URL, and whether it is the registry itself that is asked.
func (h *host) address(r request) (address string, ours bool, err error) {
	base, err := url.Parse(h.base)
	if err != nil {
		return "", false, err
	}
	var u *url.URL
	if strings.HasPrefix(r.path, "/v2/") {
		u, err = url.Parse(h.base + r.path)
	} else {
		u, err = base.Parse(r.path)
	}
	if err != nil {
		return "", false, fmt.Errorf("the registry gave the address %.200q: %w", r.path, err)
	}
	if u.Scheme != "https" && base.Scheme == "https" {
		return "", false, fmt.Errorf("the registry gave an address without TLS: %s://%s", u.Scheme, u.Host)
	}
	if r.query != nil {
		q := u.Query()
		maps.Copy(q, r.query)
		u.RawQuery = q.Encode()
	}
	return u.String(), outbound.Origin(u) == outbound.Origin(base), nil
}

// drain reads what little is left, so that the connection can be used again.
func drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxMessage)
	resp.Body.Close()
}

// passing reports whether an error may be gone at the next try.
func passing(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	var n net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &n) && n.Timeout()
}

// bare is the error without the URL before it, which may hold a signature.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func unreachable(h *host, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	_, refused := errors.AsType[*outbound.Refused](err)
	_, moved := errors.AsType[*outbound.Moved](err)
	if refused || moved {
		return fault.Wrap(fault.Forbidden, "", fmt.Errorf("registry %s: %w", h.name, err))
	}
	return fault.Wrap(fault.Unavailable, "", fmt.Errorf("registry %s: %w", h.name, err))
}

// pauses lie between the tries of one request.
var pauses = change.Retry{First: 300 * time.Millisecond, Most: 30 * time.Second}

func backoff(attempt int) time.Duration { return pauses.Pause(attempt) }

// wait waits, unless the context ends first.
func wait(ctx context.Context, d time.Duration) error {
	if !change.Sleep(ctx, d) {
		return context.Cause(ctx)
	}
	return nil
}
