// Package registry speaks to container registries: entry, sign-in, transport, manifests, blobs,
// tags. It has no opinion about which images go where.
//
// Credentials and tokens belong to one registry and are never sent to another host. TLS is never
// given up by itself: a registry is asked without it, or without checking its certificate, only
// where Options.Insecure names it or it is on loopback.
package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// Options are how registries are reached. Hosts are HOST or HOST:PORT.
type Options struct {
	// Logins count over the LoginFiles'; nil is none.
	Logins map[string]Login
	// LoginFiles have the logins of podman and docker; nil is none.
	LoginFiles *LoginFiles
	// Insecure registries may have a certificate that isn't valid, or no TLS at all.
	Insecure []string
	// Mirrors are asked before a registry when reading, in order: URLs by host.
	Mirrors map[string][]string
	// CertsDir has a folder for each HOST:PORT with ca.crt, *.cert and *.key, as podman's certs.d.
	CertsDir []string
	// CAFile has further certificates to trust, in PEM.
	CAFile string
	// Requests is how many requests one registry gets at once; 0 is 16.
	Requests int
	// UserAgent names the program.
	UserAgent string
	// Retries is how often a request that failed in passing is repeated; 0 is 5, negative never.
	Retries int
	// Count is told each request's method, path and answer, 0 if there was none; nil is nobody.
	Count func(method, url string, status int)
}

// Login is a user and a password.
type Login struct{ User, Password string }

// String hides the password.
func (l Login) String() string { return l.User + ":[redacted]" }

// GoString hides the password.
func (l Login) GoString() string { return l.String() }

// Client speaks to any number of registries. It is safe for concurrent use.
type Client struct {
	o     Options
	mu    sync.Mutex
	hosts map[string]*host
	lists outbound.Lists
}

// The limits of what a registry may answer.
const (
	maxHeader   = 64 << 10
	maxManifest = 4 << 20 // what registries themselves take
	maxJSON     = 8 << 20
	maxConfig   = 8 << 20
	maxBlob     = 1 << 40 // what a manifest may say: sums of it have to stay numbers
	maxMessage  = 16 << 10
	idle        = 3 * time.Minute // without a byte of an upload being taken
)

// New makes a client. It sends no requests.
func New(o Options) (*Client, error) {
	if o.Requests == 0 {
		o.Requests = 16
	}
	if o.Retries == 0 {
		o.Retries = 5
	}
	for _, list := range o.Mirrors {
		for _, m := range list {
			u, err := url.Parse(m)
			if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
				return nil, fault.New(fault.Usage, "", "registry mirror %q: not a URL of http or https", m)
			}
		}
	}
	return &Client{o: o, hosts: map[string]*host{}}, nil
}

// Close ends idle connections.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.hosts {
		h.way.Close()
	}
}

// host is one registry, or one mirror of it.
type host struct {
	name     string // as images name it
	base     string // URL before /v2/
	insecure bool
	way      *outbound.Transport
	http     *http.Client
	reads    chan struct{} // one for each request that may be under way
	writes   chan struct{}
	auth     *auth
	scheme   func(context.Context) error // finds out whether an insecure registry has TLS, once

	noReferrers atomic.Bool // it doesn't know what is attached to what

	mu sync.Mutex
}

// at is the registry of that name.
func (c *Client) at(name string) (*host, error) {
	return c.open(name, name, "")
}

// sources are where images of that registry are read: its mirrors, then itself.
func (c *Client) sources(name string) ([]*host, error) {
	var all []*host
	for _, m := range c.o.Mirrors[name] {
		u, err := url.Parse(m)
		if err != nil {
			return nil, fmt.Errorf("registry mirror: %w", err)
		}
		h, err := c.open("mirror "+m, u.Host, strings.TrimRight(m, "/"))
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	h, err := c.at(name)
	return append(all, h), err
}

func (c *Client) open(key, name, base string) (*host, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.hosts[key]; h != nil {
		return h, nil
	}
	h := &host{name: name, base: base, reads: make(chan struct{}, c.o.Requests), writes: make(chan struct{}, c.o.Requests)}
	h.insecure = slices.Contains(c.o.Insecure, name) || loopback(name) && base == "" || strings.HasPrefix(base, "http:")
	if base == "" {
		h.base = "https://" + address(name)
	}
	config, err := c.tls(name, h.insecure)
	if err != nil {
		return nil, err
	}
	h.way = transport(config, c.o.Requests)
	h.way.Allow(h.base)
	h.http = &http.Client{Transport: h.way}
	h.auth = newAuth(h, c.login(name))
	h.scheme = func(context.Context) error { return nil }
	if h.insecure && base == "" {
		h.scheme = h.findScheme
	}
	c.hosts[key] = h
	return h, nil
}

// address is where the registry of that name listens.
func address(name string) string {
	if name == "docker.io" || name == "index.docker.io" {
		return "registry-1.docker.io"
	}
	return name
}

func loopback(name string) bool {
	bare, _, err := net.SplitHostPort(name)
	if err != nil {
		bare = name
	}
	ip := net.ParseIP(strings.Trim(bare, "[]"))
	return bare == "localhost" || ip != nil && ip.IsLoopback()
}

// transport goes to one registry. It follows a registry to where it keeps its blobs, without our
// credentials.
func transport(config *tls.Config, requests int) *outbound.Transport {
	return outbound.New(outbound.Policy{
		TLS: config, Parallel: 2 * requests, MaxHeader: maxHeader, MaxBody: -1, Answer: 5 * time.Minute, Leave: true,
	})
}

// findScheme asks an insecure registry by TLS first and then without, before anything else is sent.
func (h *host) findScheme(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.scheme == nil {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+"/v2/", http.NoBody)
	if err != nil {
		return fmt.Errorf("registry %s: %w", h.name, err)
	}
	resp, err := h.http.Do(r)
	if err == nil {
		resp.Body.Close()
	} else if noTLS(err) {
		h.base = "http://" + address(h.name)
		h.way.Allow(h.base)
	}
	if err == nil || noTLS(err) {
		h.scheme = nil
	}
	return ctx.Err()
}

func noTLS(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}
