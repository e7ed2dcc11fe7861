package promote

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Status is how things stand with one name of one owner.
type Status struct {
	Name       string
	Owner      string          // project id
	Current    []*glance.Image // images that are current under the name, newest first; more than one while a promotion is at it
	Unfinished []Unfinished    // promotions that are under way, or that dead runs left
	Claims     []Claim         // runs that want to promote, the first of which does
}

// Unfinished is a promotion with a journal.
type Unfinished struct {
	Image   *glance.Image // that is to become current
	Name    string        // under this name
	Run     string
	Phase   string // staging, swapped or undoing
	Settled string // what settling it does: TakenBack or Finished
	At      string // RFC 3339
}

// What becomes of an unfinished promotion when it is settled.
const (
	TakenBack = "rolled back"
	Finished  = "finished"
)

// Claim is a run's exclusive right to promote images of a name.
type Claim struct {
	ID     string
	Name   string
	Run    string
	Holder string // process and machine
	Since  time.Time
	Alive  bool // it gave a sign of life recently
}

// Statuses tells how things stand with the owner's names: with the one given, or with all that
// are being promoted or whose promotion was left unfinished. It only reads.
func Statuses(ctx context.Context, site Site, owner, name string) ([]Status, error) {
	all, err := site.Images.Images(ctx, glance.Query{Owner: owner, BothHidden: true})
	if err != nil {
		return nil, err
	}
	names := map[string]*Status{}
	of := func(name string) *Status {
		if names[name] == nil {
			names[name] = &Status{Name: name, Owner: owner}
		}
		return names[name]
	}
	if name != "" {
		of(name)
	}
	for _, img := range all {
		u, err := unfinishedOf(img)
		if err != nil {
			return nil, err
		}
		if u != nil {
			of(u.Name).Unfinished = append(of(u.Name).Unfinished, *u)
		}
		if ClaimedName(img) != "" {
			c, err := claimOf(ctx, site, img)
			if err != nil {
				return nil, err
			}
			if c != nil {
				of(c.Name).Claims = append(of(c.Name).Claims, *c)
			}
		}
	}
	var statuses []Status
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if s := names[n]; name == "" || n == name {
			s.Current = currentAmong(all, n)
			glance.NewestFirst(s.Current)
			slices.SortFunc(s.Claims, func(a, b Claim) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
			statuses = append(statuses, *s)
		}
	}
	return statuses, nil
}

// unfinishedOf is what an image's journal says; nil where it has none.
func unfinishedOf(img *glance.Image) (*Unfinished, error) {
	j, err := journalOf(img)
	if err != nil || j == nil {
		return nil, err
	}
	u := &Unfinished{Image: img, Name: j.Name, Run: j.Run, Phase: j.Phase, Settled: TakenBack, At: j.At}
	if j.Phase == swapped {
		u.Settled = Finished
	}
	return u, nil
}

// claimOf reads a claim again, to judge it by the service's clock; nil where it was given back.
func claimOf(ctx context.Context, site Site, img *glance.Image) (*Claim, error) {
	img, now, err := site.Images.ImageAt(ctx, img.ID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Claim{
		ID: img.ID, Name: ClaimedName(img), Run: img.Properties[cloud.RunKey], Holder: img.Properties[ownerKey],
		Since: img.CreatedAt, Alive: !expired(img, now, leaseTime),
	}, nil
}
