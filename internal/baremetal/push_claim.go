package baremetal

import (
	"context"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// pushClaim is the name of the allocation that says that a push is going on. It reserves no node.
const pushClaim = allocationName + "push"

// claimTime is how long a push holds its claim besides the time for busy nodes. A dead one's may be taken then.
const claimTime = 30 * time.Minute

// claim makes sure that no push of another pair runs at the same time: each would write over the values and the
// journals of the other. A push of the same pair takes the claim over, and so goes on where a dead one stopped.
func (p *Push) claim(ctx context.Context) error {
	s := p.site
	until := s.Now().Add(p.o.Patience + claimTime).UTC()
	a := s.allocation(noClass, nil)
	a.Name = pushClaim
	a.Extra["kernel"], a.Extra["ramdisk"], a.Extra["until"] = p.Pair.Kernel.Ref, p.Pair.Ramdisk.Ref, until.Format(time.RFC3339)
	var err error
	for range 5 {
		if err = s.Nodes.Claim(ctx, a); !fault.Is(err, fault.Conflict) {
			return err
		}
		held, e := s.Nodes.Allocation(ctx, pushClaim)
		switch {
		case fault.Is(e, fault.NotFound): // it has ended meanwhile
			continue
		case e != nil:
			return e
		case held.UUID == a.UUID:
			return nil
		}
		ends, _ := time.Parse(time.RFC3339, ironic.Text(held.Extra, "until"))
		if claimed(held) != p.Pair.refs() && s.Now().Before(ends) {
			advice := fault.Advise("wait until it has ended. If it is dead, push the same images again, or roll back with %s",
				fault.Do("ipa", "rollback").With("run", held.UUID))
			return fault.New(fault.Conflict, advice, "run %s is pushing other images", held.UUID)
		}
		if e := s.Nodes.Deallocate(ctx, held.UUID); e != nil {
			return e
		}
	}
	return err
}

// claimed is the pair that the holder of a claim pushes.
func claimed(a *ironic.Allocation) Refs {
	return Refs{ironic.Text(a.Extra, "kernel"), ironic.Text(a.Extra, "ramdisk")}
}

// leftClaim is the run that holds the claim for the same pair, "" if none does. If nothing is left to push, it died
// between its last node and its end, or is about to end.
func (p *Push) leftClaim(ctx context.Context) (run string, err error) {
	held, err := p.site.Nodes.Allocation(ctx, pushClaim)
	switch {
	case fault.Is(err, fault.NotFound):
		return "", nil
	case err != nil:
		return "", err
	case claimed(held) != p.Pair.refs():
		return "", nil
	}
	return held.UUID, nil
}

// clearClaim removes the claim that a dead push has left.
func (p *Push) clearClaim(ctx context.Context) error {
	if p.dead == "" {
		return nil
	}
	ctx, cancel := change.Grace(ctx)
	defer cancel()
	if err := p.site.Nodes.Deallocate(ctx, p.dead); err != nil {
		return err
	}
	p.dead = ""
	return nil
}

// unclaim ends the claim, however the push has ended.
func (p *Push) unclaim(ctx context.Context) error {
	ctx, cancel := change.Grace(context.WithoutCancel(ctx))
	defer cancel()
	return p.site.Nodes.Deallocate(ctx, string(p.site.Run))
}

// refresh reads the nodes again: others may have changed them since the plan was made.
func (p *Push) refresh(ctx context.Context) error {
	nodes, err := p.site.nodes(ctx, Selection{})
	if err != nil {
		return err
	}
	now := map[string]*ironic.Node{}
	for _, n := range nodes {
		now[n.ID] = n
	}
	for _, t := range p.todo() {
		n := now[t.Node.ID]
		if n == nil {
			t.fail(fault.New(fault.NotFound, "", "the node is gone"))
			continue
		}
		fresh, err := p.judge(n)
		if err != nil {
			t.fail(err)
			continue
		}
		*t = *fresh
	}
	return nil
}
