package retention

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// The ledger of a policy is a hidden image record without data. It says which content of the policy has
// reported what it would do, on any machine.

// Scheduled is NewPlan for a run that nobody watches: with a policy that is new here, or has changed, it only
// reports.
func Scheduled(ctx context.Context, site Site, p *Policy) (*Plan, error) {
	plan, err := NewPlan(ctx, site, p)
	if err != nil {
		return nil, err
	}
	record, err := site.ledger(ctx, p)
	if err != nil {
		return nil, err
	}
	plan.First = record == nil || record.Properties[digestKey] != plan.Digest
	return plan, nil
}

// ledger is the policy's record, nil if there is none.
func (s Site) ledger(ctx context.Context, p *Policy) (*glance.Image, error) {
	found, err := s.Images.Images(ctx, glance.Query{Owner: s.Project, Hidden: true, Properties: map[string]string{ledgerKey: p.Name}})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	glance.NewestFirst(found)
	return found[0], nil
}

// report records that the policy has reported.
func (p *Plan) report(ctx context.Context) error {
	for _, e := range p.Images {
		if e.Action != "" {
			e.outcome = Reported
		}
	}
	record, err := p.site.ledger(ctx, p.Policy)
	if err != nil {
		return err
	}
	if record != nil {
		_, err = p.site.Images.Update(ctx, record.ID, glance.Patch{}.Set(digestKey, p.Digest))
		return err
	}
	_, err = p.site.Images.Create(ctx, map[string]any{
		"name": "policy of retention", "visibility": glance.Private, "os_hidden": true, ledgerKey: p.Policy.Name, digestKey: p.Digest,
	}, digestKey, p.Digest)
	return err
}
