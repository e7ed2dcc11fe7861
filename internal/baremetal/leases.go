package baremetal

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Leases is Blazar: it reserves nodes for a time, from everybody.
type Leases struct {
	sc          *gophercloud.ServiceClient
	pace        change.Pace
	reservation string // id, for the server's scheduler hint
}

// leasesOf is the cloud's Blazar, nil if it has none.
func leasesOf(c *cloud.Cloud) (*Leases, error) {
	sc, err := c.Reservation()
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Leases{sc: sc, pace: change.DefaultPace}, nil
}

type lease struct {
	ID, Name, Status string
	Reservations     []struct{ ID string }
}

// leaseTime is how long Blazar may take to start a lease.
const leaseTime = 5 * time.Minute

// reserve leases one host of the selection, which is a node of Ironic, for as long as the test may take. It returns
// the node's UUID.
func (l *Leases) reserve(ctx context.Context, run string, sel Selection, span time.Duration) (string, error) {
	property, value := "$node_type", sel.Type
	if len(sel.Nodes) > 0 {
		property, value = "$uid", sel.Nodes[0]
	}
	end := time.Now().UTC().Add(span + 10*time.Minute)
	body := map[string]any{
		"name": cloud.Run(run).Name(), "start_date": "now", "end_date": end.Format("2006-01-02 15:04"), "events": []any{},
		"reservations": []map[string]any{{
			"resource_type": "physical:host", "min": 1, "max": 1, "hypervisor_properties": "",
			"resource_properties": fmt.Sprintf("[\"==\", %q, %q]", property, value),
		}},
	}
	made, err := cloud.Create(ctx, func(ctx context.Context) (lease, error) {
		var made struct{ Lease lease }
		resp, err := l.sc.Post(ctx, l.sc.ServiceURL("leases"), body, &made, &gophercloud.RequestOpts{OkCodes: []int{200, 201}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return made.Lease, err
	}, func(ctx context.Context) (lease, bool, error) {
		found, err := l.find(ctx, run)
		if err != nil || len(found) == 0 {
			return lease{}, false, err
		}
		return found[0], true, nil
	})
	if err != nil {
		return "", fmt.Errorf("leasing a node of %s: %w", sel, cloud.Classify(err))
	}
	err = l.pace.Wait(ctx, "the lease "+made.Name, leaseTime, func(ctx context.Context) (bool, error) {
		var now struct{ Lease lease }
		err := l.get(ctx, &now, "leases", made.ID)
		if err == nil && now.Lease.Status == "ERROR" {
			err = fault.New(fault.Conflict, "", "the lease %s has failed", made.Name)
		}
		made = now.Lease
		return err == nil && made.Status == "ACTIVE", err
	})
	if err != nil {
		return "", err
	}
	if len(made.Reservations) == 0 {
		return "", fault.New(fault.Unavailable, "", "the lease %s has no reservation", made.Name)
	}
	l.reservation = made.Reservations[0].ID
	return l.host(ctx, made.ID)
}

// host is the Ironic node of a lease.
func (l *Leases) host(ctx context.Context, leaseID string) (string, error) {
	var all struct {
		Allocations []struct {
			ID           string `json:"resource_id"`
			Reservations []struct {
				LeaseID string `json:"lease_id"`
			}
		}
	}
	if err := l.get(ctx, &all, "os-hosts", "allocations"); err != nil {
		return "", err
	}
	for _, a := range all.Allocations {
		for _, r := range a.Reservations {
			if r.LeaseID != leaseID {
				continue
			}
			var found struct {
				Host struct {
					Hostname string `json:"hypervisor_hostname"`
				}
			}
			err := l.get(ctx, &found, "os-hosts", a.ID)
			return found.Host.Hostname, err
		}
	}
	return "", fault.New(fault.NotFound, "", "the lease %s has no host", leaseID)
}

// find are the leases of a run.
func (l *Leases) find(ctx context.Context, run string) ([]lease, error) {
	var all struct{ Leases []lease }
	if err := l.get(ctx, &all, "leases"); err != nil {
		return nil, err
	}
	var found []lease
	for _, one := range all.Leases {
		if one.Name == cloud.Run(run).Name() {
			found = append(found, one)
		}
	}
	return found, nil
}

// end deletes the leases of a run.
func (l *Leases) end(ctx context.Context, run string) error {
	found, err := l.find(ctx, run)
	if err != nil {
		return err
	}
	for _, one := range found {
		resp, err := l.sc.Delete(ctx, l.sc.ServiceURL("leases", one.ID), &gophercloud.RequestOpts{OkCodes: []int{200, 202, 204}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		if err != nil && !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
			return fmt.Errorf("deleting lease %q: %w", one.ID, cloud.Classify(err))
		}
	}
	return nil
}

func (l *Leases) get(ctx context.Context, into any, path ...string) error {
	resp, err := l.sc.Get(ctx, l.sc.ServiceURL(path...), into, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
		return fmt.Errorf("asking Blazar: %w", cloud.Classify(err))
	}
	return nil
}
