package outbound

import (
	"crypto/tls"
	"net/http"
	"strings"
	"time"
)

const (
	apiConnections = 3               // per host
	apiTotal       = 5 * time.Minute // of an answer, once it has begun
)

// Cloud is the way to an OpenStack: its API over few connections, and image data, which flows for
// long and in parallel, over others.
type Cloud struct{ API, Data *Transport }

// NewCloud makes the way to a cloud. share is Policy.Share of its API.
func NewCloud(config *tls.Config, share string) *Cloud {
	return &Cloud{
		// Some calls of Nova last until the hypervisor has answered: the default for Answer suits them.
		API: New(Policy{TLS: config, Share: share, Connections: apiConnections, Total: apiTotal, Whole: true, Links: true}),
		// Glance answers an upload when it has stored all of it.
		Data: New(Policy{TLS: config, MaxBody: -1, Answer: -1}),
	}
}

// RoundTrip sends the request over the one or the other.
func (c *Cloud) RoundTrip(req *http.Request) (*http.Response, error) {
	if IsData(req) {
		return c.Data.RoundTrip(req)
	}
	return c.API.RoundTrip(req)
}

// IsData tells image data, which must not wait for the few connections that the API uses, nor be
// read into memory.
func IsData(req *http.Request) bool {
	return strings.HasSuffix(req.URL.Path, "/file") || strings.HasSuffix(req.URL.Path, "/stage")
}

// Allow is Transport.Allow for both.
func (c *Cloud) Allow(addresses ...string) {
	c.API.Allow(addresses...)
	c.Data.Allow(addresses...)
}

// Connections is how many were opened so far.
func (c *Cloud) Connections() int64 { return c.API.Connections() + c.Data.Connections() }

// Close closes idle connections.
func (c *Cloud) Close() {
	c.API.Close()
	c.Data.Close()
}
