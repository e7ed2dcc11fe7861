package baremetal

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// ServerOptions are the server that Nova boots on the node.
type ServerOptions struct {
	Flavor  string // name or id; default baremetal
	Network string // id; default: what Nova chooses
	Key     string // name of a key pair; "" = none
}

// hostAware is the microversion with which a server can be asked for on one node.
const hostAware = "2.74"

// find looks the flavor up, whose name may be given.
func (o *ServerOptions) find(ctx context.Context, s *Site) error {
	if o.Flavor == "" {
		o.Flavor = "baremetal"
	}
	type flavor struct{ ID, Name string }
	id := ""
	err := listing.Each(ctx, s.Compute, listing.List{Path: "flavors", Queries: []url.Values{{"is_public": {"none"}}}, Key: "flavors"},
		func(page []flavor) error {
			for _, f := range page {
				if f.ID == o.Flavor || f.Name == o.Flavor && id == "" {
					id = f.ID
				}
			}
			return nil
		})
	if err != nil {
		return err
	}
	if id == "" {
		return fault.New(fault.NotFound, fault.Advise("name it with %s", fault.Option("flavor")), "no flavor %q", o.Flavor)
	}
	o.Flavor = id
	return o.findKey(ctx, s)
}

// findKey makes sure that the key pair is there. Nova would only say so when the node is reserved and prepared.
func (o *ServerOptions) findKey(ctx context.Context, s *Site) error {
	if o.Key == "" {
		return nil
	}
	resp, err := s.Compute.Get(ctx, s.Compute.ServiceURL("os-keypairs", url.PathEscape(o.Key)), nil,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	switch {
	case gophercloud.ResponseCodeIs(err, http.StatusNotFound):
		return fault.In("key", fault.New(fault.NotFound, "create it first, with the same credentials", "no key pair %q", o.Key))
	case err != nil:
		return fmt.Errorf("reading key pair %q: %w", o.Key, cloud.Classify(err))
	}
	return nil
}

// reserveForCompute claims a node among the runs of this program, as Nova can't deploy a node that Ironic has
// allocated. With Blazar, a lease reserves it from everybody else, too.
func (t *Test) reserveForCompute(ctx context.Context) (string, error) {
	candidates, how := t.candidates, ""
	if t.site.Leases != nil {
		id, err := t.site.Leases.reserve(ctx, string(t.site.Run), t.o.Selection, t.o.Deploy+t.o.Clean)
		if err != nil {
			return "", err
		}
		candidates, how = nil, "by a lease of Blazar"
		for _, n := range t.candidates {
			if n.ID == id {
				candidates = []*ironic.Node{n}
			}
		}
		if candidates == nil {
			return "", fault.New(fault.Conflict, "", "Blazar leases node %s, which isn't free in Ironic", id)
		}
	}
	for _, n := range candidates {
		claimed, err := t.claim(ctx, n.ID)
		if err != nil {
			return "", err
		}
		if claimed {
			return how, t.take(ctx, n.ID)
		}
	}
	return "", t.otherRuns()
}

// claim keeps other runs of this program from a node. The allocation reserves nothing. Only its name counts, which is
// unique.
func (t *Test) claim(ctx context.Context, node string) (claimed bool, err error) {
	a := t.site.allocation(noClass, nil)
	a.Name = allocationName + node
	err = t.site.Nodes.Claim(ctx, a)
	if fault.Is(err, fault.Conflict) {
		return false, nil
	}
	return err == nil, err
}

func (t *Test) otherRuns() error {
	return fault.New(fault.Conflict, "wait until one is free, or name another type", "no free node of %s: other runs test them",
		t.o.Selection)
}

// deployByCompute boots a server on the node.
func (t *Test) deployByCompute(ctx context.Context) (string, error) {
	run := t.site.Run
	server := map[string]any{
		"name": run.Name(), "imageRef": t.o.Image, "flavorRef": t.o.Server.Flavor, "networks": "auto",
		"metadata": run.Metadata(t.site.Now().Add(t.o.Deploy + t.o.Clean + t.o.Lock)),
	}
	if t.o.Server.Network != "" {
		server["networks"] = []map[string]any{{"uuid": t.o.Server.Network}}
	}
	if t.o.Server.Key != "" {
		server["key_name"] = t.o.Server.Key
	}
	body := map[string]any{"server": server}
	if t.site.Leases != nil {
		body["os:scheduler_hints"] = map[string]any{"reservation": t.site.Leases.reservation}
	} else {
		server["hypervisor_hostname"] = t.node.ID
	}
	s, err := cloud.Create(ctx, func(ctx context.Context) (serverRecord, error) {
		var made struct{ Server serverRecord }
		sc := *t.site.Compute
		sc.Microversion = hostAware
		resp, err := sc.Post(ctx, sc.ServiceURL("servers"), body, &made, &gophercloud.RequestOpts{OkCodes: []int{http.StatusAccepted}})
		_, _, err = gophercloud.ParseResponse(resp, err)
		return made.Server, err
	}, func(ctx context.Context) (serverRecord, bool, error) {
		found, err := t.site.servers(ctx, string(run))
		if err != nil || len(found) == 0 {
			return serverRecord{}, false, err
		}
		return found[0], true, nil
	})
	if err != nil {
		return "", fmt.Errorf("booting a server on node %s: %w", t.node, cloud.Classify(err))
	}
	err = t.site.Pace.Wait(ctx, "server "+s.ID, t.o.Deploy, func(ctx context.Context) (bool, error) {
		now, err := t.site.server(ctx, s.ID)
		if err == nil && now.Status == "ERROR" {
			err = fault.New(fault.Internal, "", "server %s is in state ERROR: %s", s.ID, now.Fault.Message)
		}
		return err == nil && now.Status == "ACTIVE", err
	})
	if err != nil {
		return "", err
	}
	return t.awaitActive(ctx, t.o.Deploy)
}

// serverRecord is what Nova says of a server.
type serverRecord struct {
	ID, Name, Status string
	Metadata         map[string]string
	Fault            struct{ Message string }
	Addresses        map[string][]struct{ Addr string }
}

func (s *Site) server(ctx context.Context, id string) (*serverRecord, error) {
	var found struct{ Server serverRecord }
	resp, err := s.Compute.Get(ctx, s.Compute.ServiceURL("servers", id), &found, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
		return nil, fmt.Errorf("reading server %q: %w", id, cloud.Classify(err))
	}
	return &found.Server, nil
}

// servers are those that a run has booted.
func (s *Site) servers(ctx context.Context, run string) (found []serverRecord, err error) {
	if s.Compute == nil {
		return nil, nil
	}
	query := url.Values{"name": {"^" + cloud.Run(run).Name() + "$"}}
	list := listing.List{Path: "servers/detail", Queries: []url.Values{query}, Key: "servers", Restart: func() { found = nil }}
	err = listing.Each(ctx, s.Compute, list, func(page []serverRecord) error {
		for _, r := range page {
			if r.Metadata[cloud.RunKey] == run {
				found = append(found, r)
			}
		}
		return nil
	})
	return found, err
}

// askDeleteServers has the run's servers deleted, without waiting for it.
func (s *Site) askDeleteServers(ctx context.Context, run string) error {
	found, err := s.servers(ctx, run)
	if err != nil {
		return err
	}
	for _, r := range found {
		resp, err := s.Compute.Delete(ctx, s.Compute.ServiceURL("servers", r.ID), nil)
		_, _, err = gophercloud.ParseResponse(resp, err)
		if err != nil && !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
			return fmt.Errorf("deleting server %q: %w", r.ID, cloud.Classify(err))
		}
	}
	return nil
}

// deleteServers deletes the run's servers, and waits until Nova doesn't know them any more. The node is being
// cleaned then.
func (s *Site) deleteServers(ctx context.Context, run string, timeout time.Duration) error {
	if err := s.askDeleteServers(ctx, run); err != nil {
		return err
	}
	return s.Pace.Wait(ctx, "the server's deletion", timeout, func(ctx context.Context) (bool, error) {
		found, err := s.servers(ctx, run)
		return err == nil && len(found) == 0, err
	})
}
