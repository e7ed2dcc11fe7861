// Package repeat sends requests again that have failed in passing, where that is useful and safe.
package repeat

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

const (
	maxTries       = 7                      // about six seconds, unless the service says how long to wait
	maxTriesBroken = 4                      // after a 500, which usually persists
	firstDelay     = 100 * time.Millisecond // doubles with each try
)

type repeatable struct{}

// Marked marks the requests made with the context as safe to repeat, although their method alone isn't:
// a PATCH that sets values, a POST that finds its own earlier effect.
func Marked(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatable{}, true)
}

// Do sends the request by once, and sends it again if that is useful and safe.
func Do(req *http.Request, once func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	for try := 1; ; try++ {
		r, err := attempt(req, try)
		if err != nil {
			return nil, err
		}
		resp, err := once(r)
		wait, more := again(req, resp, err, try)
		if !more {
			return resp, err
		}
		if resp != nil {
			resp.Body.Close()
		}
		slog.Debug("repeating a request", "method", req.Method, "url", req.URL.Redacted(), "wait", wait, "cause", cause(resp, err))
		if !change.Sleep(req.Context(), wait) {
			return nil, errors.Join(context.Cause(req.Context()), cause(resp, err))
		}
	}
}

func attempt(req *http.Request, try int) (*http.Request, error) {
	if try == 1 {
		return req, nil
	}
	r := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		r.Body = body
	}
	return r, nil
}

// again decides whether to send the request once more, and after how long.
func again(req *http.Request, resp *http.Response, err error, try int) (time.Duration, bool) {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil || try >= maxTries || req.Context().Err() != nil {
		return 0, false
	}
	delay := change.Jitter(firstDelay << (try - 1))
	if err != nil {
		return delay, Retriable(err) && (safe(req) || NeverSent(err))
	}
	after, asked := change.RetryAfter(resp.Header)
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		// The request was turned away before anything was done.
	case http.StatusRequestEntityTooLarge:
		if !asked {
			return 0, false
		}
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if !safe(req) {
			return 0, false
		}
	case http.StatusInternalServerError:
		if !safe(req) || try >= maxTriesBroken {
			return 0, false
		}
	default:
		return 0, false
	}
	delay = max(delay, after)
	if deadline, ok := req.Context().Deadline(); ok && time.Until(deadline) < delay {
		return 0, false
	}
	return delay, after <= change.MaxRetryAfter
}

func safe(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return true
	}
	marked, _ := req.Context().Value(repeatable{}).(bool)
	return marked
}

// Retriable reports whether a failed connection may work when retried.
func Retriable(err error) bool {
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	switch {
	case errors.As(err, &cert), errors.As(err, &record):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	}
	return !refusedAnswer(err) && !errors.Is(err, outbound.ErrTooSlow)
}

// refusedAnswer reports whether a response was rejected here, as it would be again.
func refusedAnswer(err error) bool {
	if errors.Is(err, outbound.ErrTooLarge) {
		return true
	}
	_, refused := errors.AsType[*outbound.Refused](err)
	_, moved := errors.AsType[*outbound.Moved](err)
	_, other := errors.AsType[*outbound.NotJSON](err)
	return refused || moved || other
}

// NeverSent reports whether the request can't have reached the service.
func NeverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func cause(resp *http.Response, err error) error {
	if resp != nil {
		return fmt.Errorf("%s", resp.Status)
	}
	return err
}
