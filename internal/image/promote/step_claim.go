package promote

import (
	"context"
)

// claimStep makes sure that no other run promotes images of the name. Only then is it known what
// there is to do: what dead runs left is settled, and the plan is made again.
type claimStep struct{ unchanging }

func (claimStep) doing() string { return "claiming the name" }

func (claimStep) do(ctx context.Context, r *run) error {
	p := r.plan
	if err := r.acquire(ctx, p.Owner, p.Name, p.last); err != nil {
		return err
	}
	if err := recoverName(ctx, r.site, p.Owner, p.Name, r.rep); err != nil {
		return err
	}
	p, err := NewPlan(ctx, r.site, p.asked)
	if err == nil {
		r.plan = p
	}
	return err
}
