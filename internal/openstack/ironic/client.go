// Package ironic is the client of the Bare Metal service. Each call makes a whole change and knows afterwards
// whether it took effect, even if the response was lost.
//
// API: https://docs.openstack.org/api-ref/baremetal/
package ironic

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

const (
	newest   = 78 // the newest microversion 1.x whose answers this package knows
	reserves = 52 // the first with allocations, that of the release Stein
	pageSize = "1000"
)

// Client speaks to one cloud's Bare Metal service.
type Client struct {
	sc    *gophercloud.ServiceClient
	minor int // of the microversion 1.x in use
}

// New makes a client and agrees with the service on the newest microversion that both know, in one request.
func New(ctx context.Context, sc *gophercloud.ServiceClient) (*Client, error) {
	var root struct {
		Version struct {
			Version string `json:"version"` // the service's newest
		} `json:"version"`
	}
	resp, err := sc.Get(ctx, strings.TrimSuffix(sc.ServiceURL(), "/"), &root, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	_, header, err := gophercloud.ParseResponse(resp, err)
	if err != nil {
		return nil, fmt.Errorf("asking the Bare Metal service for its version: %w", cloud.Classify(err))
	}
	most := root.Version.Version
	if most == "" {
		most = header.Get("X-OpenStack-Ironic-API-Maximum-Version")
	}
	minor, found := strings.CutPrefix(most, "1.")
	n, err := strconv.Atoi(minor)
	if !found || err != nil {
		return nil, fault.New(fault.Unavailable, "", "the Bare Metal service says that its version is %q", most)
	}
	return at(sc, min(n, newest)), nil
}

// Reserving makes a client that speaks the first microversion with allocations, without a request. An older service
// refuses all of its requests.
func Reserving(sc *gophercloud.ServiceClient) *Client { return at(sc, reserves) }

func at(sc *gophercloud.ServiceClient, minor int) *Client {
	versioned := *sc
	versioned.Microversion = "1." + strconv.Itoa(minor)
	return &Client{sc: &versioned, minor: minor}
}

// Minor is the second number of the microversion 1.x in use.
func (c *Client) Minor() int { return c.minor }

// Node reads a node by its UUID or name, with all its fields. One that doesn't exist, or that the project can't
// see, is fault.NotFound.
func (c *Client) Node(ctx context.Context, ident string) (*Node, error) {
	var n Node
	if err := c.get(ctx, c.url("nodes", ident), &n); err != nil {
		return nil, failed(err, "reading node %q", ident)
	}
	return &n, nil
}

// Patch applies all operations to a node in one request, or none of them. A node that is locked or in transition
// is fault.Conflict.
func (c *Client) Patch(ctx context.Context, id string, p Patch) (*Node, error) {
	var n Node
	err := change.Write(ctx, cloud.Outcome, func(ctx context.Context) error {
		n = Node{}
		resp, err := c.sc.Patch(ctx, c.url("nodes", id), p, &n, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	}, func(ctx context.Context) (bool, error) {
		now, err := c.Node(ctx, id)
		if err != nil {
			return false, err
		}
		n = *now
		return n.reflects(p), nil
	})
	if err != nil {
		return nil, failed(err, "updating node %q", id)
	}
	return &n, nil
}

// Provision asks for a provision state by its verb, such as "active", "deleted", "manage", "provide" or "abort".
// begun says whether a node shows that the request took effect.
func (c *Client) Provision(ctx context.Context, id, verb string, body map[string]any, begun func(*Node) bool) error {
	request := map[string]any{"target": verb}
	maps.Copy(request, body)
	err := c.put(ctx, c.url("nodes", id, "states", "provision"), request)
	if err == nil {
		return nil
	}
	// A PUT is repeated below if its response was lost, and then refused because it has taken effect.
	if now, e := c.Node(context.WithoutCancel(ctx), id); e == nil && begun(now) {
		return nil
	}
	return failed(err, "asking for %q of node %q", verb, id)
}

// ClearMaintenance ends a node's maintenance.
func (c *Client) ClearMaintenance(ctx context.Context, id string) error {
	if err := c.delete(ctx, c.url("nodes", id, "maintenance"), http.StatusAccepted); err != nil {
		return failed(err, "ending the maintenance of node %q", id)
	}
	return nil
}

// Validate asks the node's interfaces whether they have what they need. It returns the interfaces that don't,
// with the reason.
func (c *Client) Validate(ctx context.Context, id string) (map[string]string, error) {
	var answer map[string]struct {
		Result *bool  `json:"result"`
		Reason string `json:"reason"`
	}
	if err := c.get(ctx, c.url("nodes", id, "validate"), &answer); err != nil {
		return nil, failed(err, "validating node %q", id)
	}
	bad := map[string]string{}
	for name, v := range answer {
		if v.Result != nil && !*v.Result {
			bad[name] = v.Reason
		}
	}
	return bad, nil
}

func (c *Client) url(parts ...string) string {
	for n := range parts {
		parts[n] = url.PathEscape(parts[n])
	}
	return c.sc.ServiceURL(parts...)
}

func (c *Client) get(ctx context.Context, address string, into any) error {
	resp, err := c.sc.Get(ctx, address, into, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	return err
}

func (c *Client) put(ctx context.Context, address string, body any) error {
	graceful, cancel := cloud.Grace(ctx)
	defer cancel()
	resp, err := c.sc.Put(graceful, address, body, nil, &gophercloud.RequestOpts{OkCodes: []int{http.StatusAccepted}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	return err
}

func (c *Client) delete(ctx context.Context, address string, ok int) error {
	resp, err := c.sc.Delete(ctx, address, &gophercloud.RequestOpts{OkCodes: []int{ok}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	return err
}

// failed adds what was being done, and classifies the service's response.
func failed(err error, format string, args ...any) error {
	err = cloud.Classify(err)
	if fault.Is(err, fault.Internal) && gophercloud.ResponseCodeIs(err, http.StatusNotAcceptable) {
		err = fault.Wrap(fault.Internal, "use an Ironic of at least the release Stein", err)
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
