package cloud

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound/repeat"
)

// Traffic counts what went over the network.
type Traffic struct{ Requests, Connections int64 }

// transport is the one HTTP transport to a cloud. It retries requests that are safe to repeat.
type transport struct {
	*outbound.Cloud
	requests atomic.Int64
	ahead    atomic.Int64           // of this machine's clock, nanoseconds, by the last answer
	roles    atomic.Pointer[string] // what the token's user may be, for refusals
}

func newTransport(config *tls.Config, share string) *transport {
	return &transport{Cloud: outbound.NewCloud(config, share)}
}

func (t *transport) traffic() Traffic {
	return Traffic{Requests: t.requests.Load(), Connections: t.Connections()}
}

// rolesHeader carries the refused user's roles from the transport, which knows them, to Classify, which
// makes the error: gophercloud passes on only the response's headers.
const rolesHeader = "X-Imgctl-Roles"

// Repeatable marks the requests made with the context as safe to repeat, although their method alone isn't:
// a PATCH that sets values, a POST that finds its own earlier effect.
func Repeatable(ctx context.Context) context.Context { return repeat.Marked(ctx) }

// RoundTrip sends the request, and retries if that is useful and safe.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return repeat.Do(req, t.once)
}

func (t *transport) once(req *http.Request) (*http.Response, error) {
	t.requests.Add(1)
	start := time.Now()
	resp, err := t.Cloud.RoundTrip(req)
	if err == nil {
		if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			t.ahead.Store(int64(time.Until(at)))
		}
		resp.Header.Del(rolesHeader)
		if roles := t.roles.Load(); roles != nil && resp.StatusCode == http.StatusForbidden && req.Method != http.MethodGet {
			resp.Header.Set(rolesHeader, *roles)
		}
		slog.Debug("request", "method", req.Method, "url", req.URL.Redacted(), "status", resp.StatusCode,
			"took", time.Since(start), "id", resp.Header.Get("X-Openstack-Request-Id"))
	}
	return resp, err
}
