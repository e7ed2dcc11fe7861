package leaks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Plan is what will be removed. Making a plan only sends reads.
type Plan struct {
	Leaks   []*Leak
	Missing []string // kinds whose service the cloud doesn't have

	at       time.Time
	timeout  time.Duration
	unlisted error
	outcomes map[*Leak]string // once it was applied
}

// project is a project to look through.
type project struct {
	*cloud.Cloud
	Options
	servers func() (map[string]bool, error) // ids of all servers, and of the images that they were booted from
}

// finders list the leaks of a kind, of any age.
var finders = map[string]func(context.Context, *project) ([]*Leak, error){
	Image: images, Port: ports, FloatingIP: floatingIPs, Volume: volumes, KeyPair: keyPairs,
}

// NewPlan finds the leaks in the project of the cloud's credentials.
func NewPlan(ctx context.Context, c *cloud.Cloud, o Options) (*Plan, error) {
	if err := errors.Join(o.Validate()...); err != nil {
		return nil, err
	}
	if c.Project().ID == "" {
		return nil, fault.New(fault.Usage, "use credentials of a project", "the credentials for cloud %q are for no project", c.Name())
	}
	if o.At.IsZero() {
		o.At = time.Now()
	}
	o.OlderThan, o.Timeout = cmp.Or(o.OlderThan, DefaultAge), cmp.Or(o.Timeout, 5*time.Minute)
	kinds := slices.Clone(Kinds)
	if len(o.Kinds) > 0 {
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return !slices.Contains(o.Kinds, k) })
	}
	p := &Plan{at: o.At, timeout: o.Timeout}
	from := &project{Cloud: c, Options: o, servers: once(func() (map[string]bool, error) { return listServers(ctx, c) })}
	found, errs := make([][]*Leak, len(kinds)), make([]error, len(kinds))
	var group errgroup.Group
	for n, kind := range kinds {
		group.Go(func() error {
			found[n], errs[n] = finders[kind](ctx, from)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), errors.Join(errs...))
	}
	failed := 0
	for n, kind := range kinds {
		switch err := errs[n]; {
		case fault.Is(err, fault.NotFound):
			p.Missing = append(p.Missing, kind)
		case err != nil:
			failed++
			p.unlisted = errors.Join(p.unlisted, fmt.Errorf("listing objects of kind %s: %w", kind, err))
		}
		for _, l := range found[n] {
			if !l.Created.IsZero() && o.At.Sub(l.Created) >= o.OlderThan {
				p.Leaks = append(p.Leaks, l)
			}
		}
	}
	if failed == len(kinds) {
		return nil, p.unlisted
	}
	slices.SortStableFunc(p.Leaks, func(a, b *Leak) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)), a.Created.Compare(b.Created), cmp.Compare(a.ID,
			b.ID))
	})
	return p, nil
}

// Done reports whether nothing is left behind.
func (p *Plan) Done() bool { return len(p.Leaks) == 0 }

// Loss asks whether the leaks may be removed, by kind.
func (p *Plan) Loss() string {
	var parts []string
	for _, kind := range Kinds {
		n := 0
		for _, l := range p.Leaks {
			if l.Kind == kind {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("Remove what CI left (%s)?", strings.Join(parts, ", "))
}

// Notes are none.
func (p *Plan) Notes() []fault.Advice { return nil }

// LeftOut are the kinds that couldn't be listed.
func (p *Plan) LeftOut() error {
	if p.unlisted == nil {
		return nil
	}
	return fault.Wrap(fault.Partial, "fix the causes, then run it again", p.unlisted)
}

// Rows are a leak each, with what was done to it.
func (p *Plan) Rows() []change.Row {
	rows := make([]change.Row, 0, len(p.Leaks))
	for _, l := range p.Leaks {
		rows = append(rows, change.Row{
			{Key: "kind", Value: l.Kind},
			{Key: "id", Value: l.ID},
			{Key: "name", Value: l.Name},
			{Key: "age", Value: p.at.Sub(l.Created).Round(time.Second)},
			{Key: "why", Value: l.Why},
			{Key: "outcome", Value: cmp.Or(p.outcomes[l], "left")},
			{Key: "created", Value: l.Created},
		})
	}
	return rows
}
