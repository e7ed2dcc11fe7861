// Package board shows the factory in a browser: the queue, running builds with their logs, what was built, what is
// current, and the dead letters, which can be tried again. It also answers health checks and Prometheus.
package board

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// Options of a board.
type Options struct {
	Queue queue.Queue
	Logs  *buildlog.Store
	// Current lists the current images; nil to take them from the logs.
	Current func(context.Context) ([]Current, error)
	// Token lets people in; "" lets in who asks for the board by a name or address of this machine's loopback.
	Token string
	// Workers is nil, or counts the workers of this machine.
	Workers func() (int, error)
	// Healthy is nil, or tells why the process that shows the board doesn't do its other work.
	Healthy func() error
	// Warn gets what goes wrong.
	Warn func(error)
}

// Current is an image that is current under a name.
type Current struct {
	Name, ID string
	Since    time.Time
}

// minToken is the length of a token that can't be guessed.
const minToken = 16

// board is one that is shown.
type board struct {
	Options
	form string // what a form has to bring with it, so that no other site can send it

	mu   sync.Mutex // one look at the queue at a time: dead letters are taken out while they are looked at
	seen *view
}

// New is a handler for the board, at the root of a server.
func New(o Options) (http.Handler, error) {
	if o.Token != "" && len(o.Token) < minToken {
		return nil, fault.New(fault.Usage, "", "the token has fewer than %d characters", minToken)
	}
	b := &board{Options: o, form: rand.Text()}
	private := http.NewServeMux()
	private.HandleFunc("GET /{$}", b.index)
	private.HandleFunc("GET /log", b.log)
	private.HandleFunc("GET /metrics", b.metrics)
	private.HandleFunc("POST /dead-letters", b.deadLetters)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", b.health)
	mux.Handle("/", b.guard(http.NewCrossOriginProtection().Handler(private)))
	return safe(mux), nil
}

// safe sets what every answer has.
func safe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "frame-ancestors 'none'; form-action 'self'; base-uri 'none'")
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		next.ServeHTTP(w, r)
	})
}

// cookie is where a browser keeps the token.
const cookie = "imgctl-factory"

// guard lets in who has the token; without one, who asks for this machine by a name that is its own: a page of
// somebody else's can have its name lead here.
func (b *board) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case b.Token == "" && !local(r.Host):
			http.Error(w, "This page is for this machine only: open it as http://localhost.", http.StatusForbidden)
		case b.Token == "" || b.allowed(r):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet && b.is(r.URL.Query().Get("token")):
			http.SetCookie(w, &http.Cookie{ // #nosec G124 -- there isn't always TLS
				Name: cookie, Value: b.Token, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
			})
			q := r.URL.Query()
			q.Del("token")
			to := url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
			http.Redirect(w, r, "/"+strings.TrimLeft(to.String(), "/"), http.StatusSeeOther)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="factory"`)
			http.Error(w, "Open this page once with ?token= and the token, or send it as a bearer token.", http.StatusUnauthorized)
		}
	})
}

func (b *board) allowed(r *http.Request) bool {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return b.is(token)
	}
	c, err := r.Cookie(cookie)
	return err == nil && b.is(c.Value)
}

func (b *board) is(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(b.Token)) == 1
}

// local reports whether a request's host is a name or address of the loopback.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Loopback reports whether an address that is listened on can be reached from this machine only.
func Loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func (b *board) failed(w http.ResponseWriter, err error) {
	b.Warn(err)
	code := http.StatusInternalServerError
	switch fault.KindOf(err) {
	case fault.NotFound:
		code = http.StatusNotFound
	case fault.Unavailable:
		code = http.StatusServiceUnavailable
	}
	http.Error(w, err.Error(), code)
}
