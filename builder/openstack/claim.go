package openstack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// claimTime is how long other runs may take to claim an address that they saw free at the same time.
var claimTime = time.Second

// claimed reports whether a description says that a run uses the floating IP.
func claimed(description string) bool { return strings.Contains(description, cloud.RunKey+"=") }

// claim marks an existing floating IP as this run's in its description, and releases it at the end. It
// returns nil if another run was faster. Neutron refuses changes to an older revision, so only one of
// several claims succeeds; for services without revisions, claim reads the description again.
func (b *build) claim(ctx context.Context, ip *floatingips.FloatingIP) (*floatingips.FloatingIP, error) {
	before, ours := ip.Description, b.config.run.Reuse(ip.Description, b.deadline)
	thing := b.expect(&cloud.Thing{
		Kind:   "floating IP's claim",
		Delete: func(ctx context.Context, id string) error { return b.unclaim(ctx, id, before, ours) },
	})
	thing.Made(ip.ID)
	revision := ip.RevisionNumber
	opts := floatingips.UpdateOpts{Description: &ours}
	if revision > 0 {
		opts.RevisionNumber = &revision
	}
	graceful, cancel := cloud.Grace(ctx)
	defer cancel()
	_, err := floatingips.Update(graceful, b.network, ip.ID, opts).Extract()
	if err != nil && !gophercloud.ResponseCodeIs(err, http.StatusPreconditionFailed) {
		return nil, fmt.Errorf("claiming floating IP %s: %w", ip.FloatingIP, cloud.Classify(err))
	}
	if revision == 0 {
		// Of several claims the last one wins; by now all have been made.
		if err := b.wait(ctx, claimTime); err != nil {
			return nil, err
		}
	}
	now, err := floatingips.Get(ctx, b.network, ip.ID).Extract()
	if err != nil {
		return nil, fmt.Errorf("claiming floating IP %s: %w", ip.FloatingIP, cloud.Classify(err))
	}
	if now.Description != ours || now.PortID != "" {
		return nil, nil
	}
	if b.portID == "" {
		return now, nil
	}
	return b.lead(ctx, now.ID, b.portID)
}

// lead associates the floating IP with the port.
func (b *build) lead(ctx context.Context, id, port string) (*floatingips.FloatingIP, error) {
	ctx, cancel := cloud.Grace(ctx)
	defer cancel()
	ip, err := floatingips.Update(ctx, b.network, id, floatingips.UpdateOpts{PortID: &port}).Extract()
	if err != nil {
		return nil, fmt.Errorf("associating the floating IP with port %q: %w", port, cloud.Classify(err))
	}
	return ip, nil
}

// unclaim restores the floating IP, unless it isn't this run's.
func (b *build) unclaim(ctx context.Context, id, before, ours string) error {
	now, err := floatingips.Get(ctx, b.network, id).Extract()
	if err != nil || now.Description != ours {
		return err
	}
	opts := floatingips.UpdateOpts{PortID: new(string), Description: &before}
	return floatingips.Update(ctx, b.network, id, opts).Err
}
