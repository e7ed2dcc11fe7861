package check

import (
	"cmp"
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// interrupted is the finding of what wasn't tried to its end.
func interrupted() *finding {
	f := found(unclear, fault.Advise("check again"), "interrupted")
	return &f
}

// whole is a finding, unless the check was interrupted: then nobody knows what it says.
func whole(ctx context.Context, f finding) *finding {
	if ctx.Err() != nil {
		return interrupted()
	}
	return &f
}

// interrupt makes the results of what was tried before the check was interrupted, and was to be tried. The others stay
// as they were planned.
func (p *Plan) interrupt(ctx context.Context) {
	for _, e := range p.envs {
		e.uploaded, e.booted = cmp.Or(e.uploaded, interrupted()), cmp.Or(e.booted, interrupted())
		for _, again := range e.results(ctx, func(k *kind) bool { return k.active }) {
			at := slices.IndexFunc(p.Results, func(r Result) bool { return r.ID == again.ID && r.Region == again.Region })
			p.Results[at] = again
		}
	}
}
