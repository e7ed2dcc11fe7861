package quattor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// What Aquilon's hook writes into a server's metadata.
const (
	StatusKey    = "AQ_STATUS"
	HostnamesKey = "HOSTNAMES" // separated by commas
	succeeded    = "SUCCESS"
	failed       = "FAILED"
)

// Guest is the environment of a machine.
type Guest struct {
	Machine Machine
	// Address is where the builder reaches the machine: an IP address, or a name.
	Address string
	// ServerID is the server's id in Nova, "" if the builder has none.
	ServerID string
	// Compute asks Nova; it is called for WaitMetadata only.
	Compute func(ctx context.Context) (*gophercloud.ServiceClient, error)
	// Resolver answers reverse look-ups.
	Resolver *net.Resolver
}

// wait waits for the signal, and finds the machine's name where it is needed.
func (s Guest) wait(ctx context.Context, o Options, r report.Reporter) (hostname string, err error) {
	switch o.WaitFor {
	case WaitMetadata:
		hostname, err = s.waitMetadata(ctx, o, r)
		if err != nil || hostname != "" || o.Hostname != "" || !o.wantsHostname() {
			break
		}
		return s.waitDNS(ctx, o, r)
	case WaitDNS:
		return s.waitDNS(ctx, o, r)
	}
	return hostname, err
}

// waitDNS waits until the address resolves to a name. An address that is a name is the answer.
func (s Guest) waitDNS(ctx context.Context, o Options, r report.Reporter) (string, error) {
	address := strings.Trim(s.Address, "[]")
	if address == "" {
		return "", fault.New(fault.Usage, fault.Advise("use %s and %s", fault.Set("wait_for", WaitNone), fault.Option("hostname")),
			"waiting for the machine's name: the builder gives no address")
	}
	ip, notIP := netip.ParseAddr(address)
	if notIP != nil {
		return strings.TrimSuffix(address, "."), nil //nolint:nilerr // it is a name already
	}
	r.Step("Waiting until address %s has a name", ip)
	var names []string
	var last error
	err := cloud.Poll(ctx, "the name of address "+ip.String(), o.DNSTimeout, func(ctx context.Context) (bool, error) {
		found, err := s.Resolver.LookupAddr(ctx, ip.WithZone("").String())
		if names = found; ctx.Err() == nil {
			last = err
		}
		return len(names) > 0, nil
	})
	if err != nil {
		hint := fault.Advise("check the address's PTR record, %s and %s", fault.Option("dns_server"), fault.Option("dns_timeout"))
		if last != nil && !isNoName(last) {
			return "", fault.Wrap(fault.KindOf(err), hint, errors.Join(err, last))
		}
		return "", fault.Wrap(fault.KindOf(err), hint, err)
	}
	slices.Sort(names)
	if len(names) > 1 {
		r.Warn("address %s has several names (%s): the first one is used", ip, strings.Join(names, ", "))
	}
	return strings.TrimSuffix(names[0], "."), nil
}

func isNoName(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// waitMetadata waits until the hook reports success. The name is the first that the hook gives.
func (s Guest) waitMetadata(ctx context.Context, o Options, r report.Reporter) (hostname string, err error) {
	if s.ServerID == "" {
		return "", fault.New(fault.Usage, fault.Advise("use %s with a builder other than openstack", fault.Set("wait_for", WaitDNS)),
			"waiting for %s: the builder gives no server id", StatusKey)
	}
	compute, err := s.Compute(ctx)
	if err != nil {
		return "", err
	}
	r.Step("Waiting until Aquilon has registered server %s", s.ServerID)
	seen := ""
	what := StatusKey + " of server " + s.ServerID
	err = cloud.Poll(ctx, what, o.MetadataTimeout, func(ctx context.Context) (bool, error) {
		metadata, err := servers.Metadata(ctx, compute, s.ServerID).Extract()
		if err != nil {
			return false, cloud.Classify(err)
		}
		seen = metadata[StatusKey]
		hostname, _, _ = strings.Cut(metadata[HostnamesKey], ",")
		if strings.EqualFold(seen, failed) {
			return false, fault.New(fault.Conflict, "see the log of Aquilon's hook", "its value is %s", seen)
		}
		return strings.EqualFold(seen, succeeded), nil
	})
	if fault.Is(err, fault.Unavailable) && seen == "" {
		err = fault.Wrap(fault.Unavailable, "is Aquilon's hook running? It never set "+StatusKey, err)
	} else if fault.Is(err, fault.Unavailable) {
		err = fault.Wrap(fault.Unavailable, "its value was "+seen, err)
	}
	return strings.TrimSuffix(strings.TrimSpace(hostname), "."), err
}
