package ironic

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// Allocation reserves a node: while it is active, the node's instance is the allocation.
type Allocation struct {
	UUID       string         `json:"uuid"`
	Name       string         `json:"name,omitempty"` // unique in the cloud
	Class      string         `json:"resource_class"`
	Candidates []string       `json:"candidate_nodes,omitempty"`
	Extra      map[string]any `json:"extra,omitempty"`
	State      string         `json:"state,omitempty"`
	LastError  string         `json:"last_error,omitempty"`
	Node       string         `json:"node_uuid,omitempty"`
}

// allocationTime is how long the service may take to find a node.
const allocationTime = time.Minute

// Claim creates an allocation for its name alone, which is unique in the cloud: a name that is taken is
// fault.Conflict. Whether the service finds a node for it doesn't matter.
func (c *Client) Claim(ctx context.Context, a Allocation) error {
	err := change.Write(ctx, cloud.Outcome, func(ctx context.Context) error {
		resp, err := c.sc.Post(ctx, c.url("allocations"), a, nil, &gophercloud.RequestOpts{OkCodes: []int{http.StatusCreated}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return err
	}, func(ctx context.Context) (bool, error) {
		_, err := c.Allocation(ctx, a.UUID)
		if fault.Is(err, fault.NotFound) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return failed(err, "reserving a node")
	}
	return nil
}

// Allocate reserves one of the candidates for an allocation whose UUID the caller has chosen, and waits until the
// service has decided. If a name is taken, or no candidate is free, it is fault.Conflict. A failed allocation is
// removed.
func (c *Client) Allocate(ctx context.Context, a Allocation) (*Allocation, error) {
	if err := c.Claim(ctx, a); err != nil {
		return nil, err
	}
	var got *Allocation
	err := cloud.Poll(ctx, "the reservation of a node", allocationTime, func(ctx context.Context) (bool, error) {
		var err error
		got, err = c.Allocation(ctx, a.UUID)
		return err == nil && got.State != "allocating" && got.State != "", err
	})
	switch {
	case err != nil:
		return nil, err
	case got.State != "active":
		if err := c.Deallocate(ctx, a.UUID); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.Conflict, "", "reserving a node: %s", got.LastError)
	}
	return got, nil
}

// Allocations lists all allocations that the user may see.
func (c *Client) Allocations(ctx context.Context) (all []Allocation, err error) {
	list := listing.List{
		Path: "allocations", Queries: []url.Values{{"limit": {pageSize}}}, Key: "allocations", Restart: func() { all = nil },
	}
	err = listing.Each(ctx, c.sc, list, func(page []Allocation) error {
		all = append(all, page...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing allocations: %w", err)
	}
	return all, nil
}

// Allocation reads an allocation by its UUID or name.
func (c *Client) Allocation(ctx context.Context, ident string) (*Allocation, error) {
	var a Allocation
	if err := c.get(ctx, c.url("allocations", ident), &a); err != nil {
		return nil, failed(err, "reading allocation %q", ident)
	}
	return &a, nil
}

// Deallocate removes an allocation; one that doesn't exist is no error. The allocation of an active node, or of one
// in transition, is fault.Conflict.
func (c *Client) Deallocate(ctx context.Context, ident string) error {
	err := c.delete(ctx, c.url("allocations", ident), http.StatusNoContent)
	if err == nil || gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		return nil
	}
	return failed(err, "removing allocation %q", ident)
}
