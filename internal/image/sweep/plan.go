package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Plan is what a sweep will remove. Making a plan only sends reads.
type Plan struct {
	Leftovers []*Leftover `json:"leftovers"` // by run, in the order of Kinds
	Missing   []string    `json:"missing"`   // kinds whose service the cloud doesn't have

	timeout  time.Duration
	at       time.Time // the time that ages refer to
	unlisted error     // why some of the kinds that were asked for couldn't be listed
	result   *Result   // once it was applied
}

// errNoService says that the cloud has no service for a kind.
var errNoService = errors.New("the cloud has no such service")

// NewPlan finds out what dead runs left in the project of the cloud's credentials.
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
	p := &Plan{timeout: cmp.Or(o.Timeout, 5*time.Minute), at: o.At}
	all, whole, err := p.find(ctx, c, o)
	if err != nil {
		return nil, err
	}
	j := judge{o, deadlines(all), whole}
	for _, l := range all {
		if len(o.Kinds) > 0 && !slices.Contains(o.Kinds, l.Kind) {
			continue
		}
		if j.dead(l) {
			p.Leftovers = append(p.Leftovers, l)
		}
	}
	order(p.Leftovers)
	return p, nil
}

// order sorts by run, then by kind.
func order(leftovers []*Leftover) {
	slices.SortFunc(leftovers, func(a, b *Leftover) int {
		return cmp.Or(cmp.Compare(a.Run, b.Run), cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)),
			cmp.Compare(a.ID, b.ID))
	})
}

// find lists the objects that carry a run id. It always looks at all kinds, because the deadline of one
// object applies to its whole run; whole says that it saw them all. A kind that can't be listed is left out and told,
// unless all are, or key pairs.
func (p *Plan) find(ctx context.Context, c *cloud.Cloud, o Options) (all []*Leftover, whole bool, err error) {
	found, errs := make([][]*Leftover, len(Kinds)), make([]error, len(Kinds))
	var group errgroup.Group
	for n, kind := range Kinds {
		group.Go(func() error {
			found[n], errs[n] = finders[kind](ctx, c)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return nil, false, errors.Join(context.Cause(ctx), errors.Join(errs...))
	}
	whole = true
	asked, failed := 0, []error{}
	for n, kind := range Kinds {
		named := slices.Contains(o.Kinds, kind)
		missing := errors.Is(errs[n], errNoService)
		if missing {
			p.Missing = append(p.Missing, kind)
		}
		whole = whole && (errs[n] == nil || missing)
		if len(o.Kinds) > 0 && !named || missing && !named {
			continue
		}
		asked++
		if errs[n] != nil {
			found[n], failed = nil, append(failed, fmt.Errorf("listing objects of kind %s: %w", kind, errs[n]))
		}
	}
	// A key pair has no deadline but that of its run's other objects: it would outlive them.
	keys := errs[slices.Index(Kinds, KeyPair)]
	if len(failed) > 0 && (len(failed) == asked || keys != nil && !errors.Is(keys, errNoService)) {
		return nil, false, errors.Join(failed...)
	}
	p.unlisted = errors.Join(failed...)
	return slices.Concat(found...), whole, nil
}

// finders list what carries any run's id, by kind.
var finders = map[string]func(context.Context, *cloud.Cloud) ([]*Leftover, error){
	Server: findServers, KeyPair: findKeyPairs, Port: findPorts, FloatingIP: findFloatingIPs,
	Group:  findGroups,
	Volume: findVolumes, Image: findImages, Claim: findClaims,
}

// service gives a client of a service; errNoService where the cloud doesn't have it.
func service(client func() (*gophercloud.ServiceClient, error)) (*gophercloud.ServiceClient, error) {
	sc, err := client()
	if fault.Is(err, fault.NotFound) {
		err = fmt.Errorf("%w: %w", errNoService, err)
	}
	return sc, err
}

// deadlines are the latest ones that anything of a run has.
func deadlines(all []*Leftover) map[cloud.Run]time.Time {
	latest := map[cloud.Run]time.Time{}
	for _, l := range all {
		if l.Deadline.After(latest[l.Run]) {
			latest[l.Run] = l.Deadline
		}
	}
	return latest
}

// judge separates leftovers from the objects of live runs.
type judge struct {
	Options
	deadlines map[cloud.Run]time.Time
	whole     bool // the deadlines are all there are
}

// dead reports whether the run of l is dead, and notes why.
func (j *judge) dead(l *Leftover) bool {
	age, known := l.age(j.At)
	deadline := j.deadlines[l.Run]
	asked := slices.Contains(j.Runs, string(l.Run))
	switch {
	case len(j.Runs) > 0 && !asked, j.OlderThan > 0 && (!known || age < j.OlderThan):
		return false
	case asked:
		l.Why = "its run was named"
	case j.OlderThan > 0:
		l.Why = fmt.Sprintf("older than %s", j.OlderThan)
	case l.Kind == Claim:
		l.Why = "its holder gives no sign of life"
	case !deadline.IsZero():
		l.Why = fmt.Sprintf("its deadline %s is over", deadline.UTC().Format(time.RFC3339))
		return j.At.After(deadline)
	default:
		l.Why = fmt.Sprintf("older than %s, and nothing of its run has a deadline", unmarkedLife)
		return j.whole && known && age > unmarkedLife
	}
	return true
}
