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
	Phase   string // staging, swapped or undoing; "" if the journal can't be read
	Settled string // what settling it does: TakenBack or Finished
	At      string // RFC 3339
	Problem error  // why the journal can't be read
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
	Alive  bool // it gave a heartbeat recently
	// Problem is why the claim couldn't be read; its run counts as alive then.
	Problem error
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
		if u := unfinishedOf(img); u != nil {
			of(u.Name).Unfinished = append(of(u.Name).Unfinished, *u)
		}
		if ClaimedName(img) != "" {
			if c := claimOf(ctx, site, img); c != nil {
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
	return statuses, ctx.Err()
}

// unfinishedOf is what an image's journal says; nil if it has none.
func unfinishedOf(img *glance.Image) *Unfinished {
	j, err := journalOf(img)
	switch {
	case err != nil:
		return &Unfinished{Image: img, Name: cmp.Or(img.Properties[promotingKey], img.Name), Problem: err}
	case j == nil:
		return nil
	}
	u := &Unfinished{Image: img, Name: j.Name, Run: j.Run, Phase: j.Phase, Settled: TakenBack, At: j.At}
	if j.Phase == swapped {
		u.Settled = Finished
	}
	return u
}

// claimOf reads a claim again, to judge it by the service's clock; nil if it was given back.
func claimOf(ctx context.Context, site Site, img *glance.Image) *Claim {
	c := &Claim{
		ID: img.ID, Name: ClaimedName(img), Run: img.Properties[cloud.RunKey], Holder: img.Properties[ownerKey], Since: img.CreatedAt,
	}
	img, now, err := site.Images.ImageAt(ctx, img.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		c.Alive, c.Problem = true, err
	default:
		c.Alive = !expired(img, now, leaseTime)
	}
	return c
}

// Claimed reports whether a run that is alive is promoting images of the name. It only reads.
func Claimed(ctx context.Context, images *glance.Client, owner, name string) (bool, error) {
	claims, err := images.Images(ctx, glance.Query{Owner: owner, Hidden: true, Properties: map[string]string{claimKey: name}})
	if err != nil {
		return false, err
	}
	for _, c := range claims {
		claim, now, err := images.ImageAt(ctx, c.ID)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return false, err
		case !expired(claim, now, leaseTime):
			return true, nil
		}
	}
	return false, nil
}
