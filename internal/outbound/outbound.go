// Package outbound is the one HTTP transport to other people's servers: clouds, registries, profiles,
// stores. It limits responses in size and time, and sends credentials only to the origin that they are
// meant for, whatever a redirect or a link says.
package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Policy says what servers may do. Zero values are the defaults.
type Policy struct {
	TLS         *tls.Config
	Connections int // per host at most; 0 is any number
	// Parallel is how many large transfers one host may have at once: that many connections stay open,
	// with larger buffers. 0 is for small answers.
	Parallel int
	// Share is what processes have in common that use the same connections, such as the id of a run;
	// "" keeps this process's to itself. It must be a secret of the user's, and differ with TLS.
	Share string

	MaxHeader int64 // bytes of an answer's header
	MaxBody   int64 // bytes of an answer's body, unpacked; negative is any number

	// Answer is how long a server may take until its answer begins; negative is for ever.
	Answer time.Duration
	// Idle is within what time something of a body has to arrive, see enough.
	Idle time.Duration
	// Total is how long a whole answer may take to arrive once it has begun; 0 is any time, which
	// large transfers need.
	Total time.Duration

	// Whole reads answers before they are returned, so that one that was cut counts as a lost
	// connection (ErrCut), and what was asked for as JSON but is none is ErrNotJSON.
	Whole bool
	// Links keeps the links to next pages of JSON lists at the address that was asked, and finds
	// lists that have no end. It needs Whole.
	Links bool
	// Leave lets a redirect lead to another origin, without the credentials. Otherwise it is
	// Refused.
	Leave bool
}

const (
	maxHeader = 256 << 10
	maxBody   = 128 << 20
	answer    = 3 * time.Minute
	idle      = time.Minute
	maxHops   = 10 // redirects in a row
	buffer    = 64 << 10
)

// Transport is an http.RoundTripper. It is safe for concurrent use.
type Transport struct {
	policy      Policy
	base        http.RoundTripper
	own         *http.Transport
	shared      *shared
	connections atomic.Int64
	pages       pages

	mu      sync.Mutex
	allowed map[string]bool // origins that may get credentials; nil is any
}

// New makes a transport.
func New(p Policy) *Transport {
	p.MaxHeader, p.MaxBody = or(p.MaxHeader, maxHeader), or(p.MaxBody, maxBody)
	p.Answer, p.Idle = or(p.Answer, answer), or(p.Idle, idle)
	t := &Transport{policy: p}
	t.own = http.DefaultTransport.(*http.Transport).Clone()
	t.own.TLSClientConfig = p.TLS.Clone()
	t.own.ForceAttemptHTTP2 = true
	t.own.MaxConnsPerHost = p.Connections
	t.own.MaxIdleConnsPerHost = max(p.Connections, p.Parallel)
	if p.Parallel > 0 {
		t.own.MaxIdleConns = 0
		t.own.WriteBufferSize, t.own.ReadBufferSize = buffer, buffer
	}
	t.own.MaxResponseHeaderBytes = p.MaxHeader
	t.own.ResponseHeaderTimeout = max(p.Answer, 0)
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	t.own.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			t.connections.Add(1)
		}
		return c, err
	}
	t.base = t.own
	if p.Share != "" {
		t.shared = &shared{own: t.own, name: p.Share}
		t.base = t.shared
	}
	return t
}

func or[T int64 | time.Duration](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// RoundTrip sends the request, follows redirects that are harmless, with the same method and body,
// and refuses the others. It never returns a redirect.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.permitted(req); err != nil {
		return nil, err
	}
	for hop := 0; ; hop++ {
		resp, err := t.once(req)
		if err != nil || !isRedirect(resp) {
			return resp, err
		}
		resp.Body.Close()
		if req, err = t.follow(req, resp, hop); err != nil {
			return nil, err
		}
	}
}

func (t *Transport) once(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := t.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	resp.Request = req
	resp.Body = t.bounded(req, resp.Body, cancel)
	if !t.policy.Whole || isRedirect(resp) {
		return resp, nil
	}
	return t.whole(req, resp)
}

// Connections is how many connections were opened so far.
func (t *Transport) Connections() int64 { return t.connections.Load() }

// Close closes idle connections, except those that other processes use, too.
func (t *Transport) Close() {
	if t.shared != nil {
		t.shared.closeIdle()
		return
	}
	t.own.CloseIdleConnections()
}
