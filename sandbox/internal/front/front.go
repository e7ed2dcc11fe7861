// Package front is the HTTP front that the sandbox's services share: it mounts them by prefix, and provides request
// ids, the request log, a hook for faults, the clock, and the caller of a token.
package front

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// Service is one OpenStack service below its prefix.
type Service struct {
	Prefix  string                   // such as "/image"; the handler sees the path without it
	Handler http.Handler             //
	Error   answer.ErrorWriter       // the service's style of error
	Public  func(*http.Request) bool // requests that need no token, by the path without the prefix; nil = only those for version documents

	// Unauthorized answers a request without a valid token; nil = with keystonemiddleware's JSON.
	Unauthorized http.HandlerFunc
}

// Authenticator knows the tokens.
type Authenticator interface {
	// Authenticate returns who a token speaks for, and false when the token is unknown or expired.
	Authenticate(token string) (Caller, bool)
}

// Serve answers a request in place of its service, which is next; fail answers with an error in that
// service's style.
type Serve func(w http.ResponseWriter, r *http.Request, next http.Handler, fail answer.ErrorWriter)

// Front is the one HTTP handler in front of all services.
type Front struct {
	Log Log

	// Intercept returns what is to happen to a request in place of its service, and its name for the
	// log; nil = nothing. The field is nil if nothing ever does.
	Intercept func(*http.Request) (name string, serve Serve)

	// Now is the time of the Date header; nil = this machine's.
	Now func() time.Time

	auth     Authenticator
	services []Service
	conns    atomic.Int64

	gate   sync.RWMutex // held for reading by each request that is served
	closed bool
}

// New returns a front that mounts the services and asks auth about tokens.
func New(auth Authenticator, services ...Service) *Front {
	return &Front{auth: auth, services: services}
}

type connKey struct{}

// ConnContext numbers connections for the request log; it is an http.Server's ConnContext.
func (f *Front) ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, f.conns.Add(1))
}

// Close waits for the requests that are served, whose connections should be closed by then, and
// serves no more.
func (f *Front) Close() {
	f.gate.Lock()
	defer f.gate.Unlock()
	f.closed = true
}

// ServeHTTP logs a request and hands it to its service, unless it is intercepted.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.gate.RLock()
	defer f.gate.RUnlock()
	if f.closed {
		panic(http.ErrAbortHandler)
	}
	id := "req-" + uuid.NewString()
	body := &countedBody{ReadCloser: r.Body}
	r.Body = body
	caller, known := f.caller(r)
	entry := f.Log.begin(r, id, caller)
	defer func() { f.Log.end(entry, body.n.Load()) }()

	rec := &recorder{ResponseWriter: w, wrote: func(status int) { f.Log.status(entry, status, body.n.Load()) }}
	rec.Header().Set("X-Openstack-Request-Id", id)
	if f.Now != nil {
		rec.Header().Set("Date", f.Now().UTC().Format(http.TimeFormat))
	}

	svc, inner := f.route(r)
	if svc == nil {
		answer.Keystone(rec, r, http.StatusNotFound, "no service is mounted at "+r.URL.Path)
		return
	}
	inner = inner.WithContext(context.WithValue(inner.Context(), callerKey{}, caller))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !known && !svc.public(r) {
			svc.unauthorized(w, r)
			return
		}
		svc.Handler.ServeHTTP(w, r)
	})
	if f.Intercept != nil {
		if name, serve := f.Intercept(r); serve != nil {
			f.Log.fault(entry, name)
			serve(rec, inner, handler, svc.Error)
			return
		}
	}
	handler.ServeHTTP(rec, inner)
}

func (f *Front) caller(r *http.Request) (Caller, bool) {
	token := r.Header.Get("X-Auth-Token")
	if token == "" {
		return Caller{}, false
	}
	return f.auth.Authenticate(token)
}

// route finds the service of a request and the request as the service sees it.
func (f *Front) route(r *http.Request) (*Service, *http.Request) {
	for i := range f.services {
		s := &f.services[i]
		rest, ok := strings.CutPrefix(r.URL.Path, s.Prefix)
		if !ok || (rest != "" && rest[0] != '/') {
			continue
		}
		if rest == "" {
			rest = "/"
		}
		ctx := context.WithValue(r.Context(), baseKey{}, "http://"+r.Host+s.Prefix)
		inner := r.WithContext(ctx)
		u := *r.URL
		u.Path, u.RawPath = rest, ""
		inner.URL = &u
		return s, inner
	}
	return nil, nil
}

// public reports whether a request needs no token. Version documents never do.
func (s *Service) public(r *http.Request) bool {
	if s.Public != nil {
		return s.Public(r)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	p := strings.Trim(r.URL.Path, "/")
	return p == "" || (!strings.Contains(p, "/") && len(p) > 1 && p[0] == 'v' && p[1] >= '0' && p[1] <= '9') || p == "versions" ||
		p == "healthcheck"
}

type baseKey struct{}

// Base is the URL below which the request's service is mounted, such as http://127.0.0.1:1234/image.
func Base(r *http.Request) string {
	base, _ := r.Context().Value(baseKey{}).(string)
	return base
}

// RequestID is the id under which the response w reports its request.
func RequestID(w http.ResponseWriter) string { return w.Header().Get("X-Openstack-Request-Id") }

type countedBody struct {
	io.ReadCloser
	n atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

// recorder tells the log the status before the client can see it.
type recorder struct {
	http.ResponseWriter
	wrote func(status int)
	done  bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.done {
		r.done = true
		r.wrote(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if !r.done {
		r.done = true
		r.wrote(http.StatusOK)
	}
	return r.ResponseWriter.Write(p)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
