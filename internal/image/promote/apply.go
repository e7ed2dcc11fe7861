package promote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Result is what a promotion did.
type Result struct {
	ImageID  string
	Name     string
	Changed  bool              // false: there was nothing to do
	Archived map[string]string // new name by id
	Members  int               // projects that the image is shared with
	Pruned   []string          // ids of deleted archived images
}

const (
	cleanupTime = time.Minute // for taking back what was done, after the caller's time is over
	parallel    = 8           // requests at a time
)

// Apply carries the plan out. It judges the image with the gate, claims the name, settles what
// dead runs left, plans again, since only now nobody else changes the name's images, and then
// either reaches the end or takes everything back. An error of kind fault.Partial says that the
// new image is current and something behind it isn't finished; the same promotion again, or the
// next one of the name, finishes it.
func Apply(ctx context.Context, site Site, p *Plan, rep report.Reporter) (Result, error) {
	if p.Done() {
		rep.Step("Image %s is current under %q already", p.Image, p.Name)
		_, err := livingClaim(ctx, site, p.Owner, p.Name, "") // a run may have died giving it back
		return Result{ImageID: p.Image.ID, Name: p.Name}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.Options.Timeout, fmt.Errorf("timeout of %s is over", p.Options.Timeout))
	defer cancel()
	if err := gate(ctx, p, rep); err != nil {
		return Result{}, err
	}
	c, held, err := acquire(ctx, site, p.Owner, p.Name, p.last, rep)
	if err != nil {
		return Result{}, err
	}
	result, err := underClaim(held, site, p, c.number, rep)
	if e := c.release(ctx); e != nil {
		rep.Warn("the claim %s of the name %q could not be given back (%v); it lapses in %s", c.id, p.Name, e, claimLife)
	}
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return result, err
}

func underClaim(ctx context.Context, site Site, p *Plan, number int, rep report.Reporter) (Result, error) {
	if err := recoverName(ctx, site, p.Owner, p.Name, rep); err != nil {
		return Result{}, err
	}
	p, err := NewPlan(ctx, site, p.Options)
	if err != nil {
		return Result{}, err
	}
	if p.Done() {
		rep.Step("Image %s is current under %q", p.Image, p.Name)
		return Result{ImageID: p.Image.ID, Name: p.Name}, nil
	}
	for _, img := range p.Fresh {
		rep.Warn("image %s carries the name, too, and never was current; it is left to its own promotion", img)
	}
	r := &run{site: site, plan: p, number: number, rep: rep}
	r.journal, err = r.newJournal(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := r.goLive(ctx); err != nil {
		return Result{}, r.takeBack(ctx, err)
	}
	if err := settle(ctx, site, p.Image.ID, r.journal, rep); err != nil {
		return Result{}, unfinished(p.Image, p.Name, err)
	}
	return r.result(), nil
}

func unfinished(img *glance.Image, name string, err error) error {
	return fault.Wrap(fault.Partial, "run the promotion again to finish it",
		fmt.Errorf("image %s is current under %q, but not everything behind it is done: %w", img, name, err))
}

// run is one promotion from its journal's first line to its last.
type run struct {
	site    Site
	plan    *Plan
	number  int
	rep     report.Reporter
	journal *journal
}

func (r *run) newJournal(ctx context.Context) (*journal, error) {
	p := r.plan
	members, err := membersNow(ctx, r.site, p.Image)
	if err != nil {
		return nil, err
	}
	j := &journal{
		Run: r.site.Run, Phase: staging, Name: p.Name, Strategy: p.Options.Strategy,
		Members: p.Options.Members, OldAction: p.Options.OldAction, Retain: p.Options.Retain, At: p.at.Format(time.RFC3339),
		Before: before{
			Name: p.Image.Name, Visibility: p.Image.Visibility, Hidden: p.Image.Hidden,
			Inactive:   p.Image.Status == glance.StatusDeactivated,
			Properties: map[string]*string{}, Members: members,
		},
	}
	touched := slices.Collect(maps.Keys(p.Properties))
	touched = append(touched, PromotedKey, GenerationKey, CurrentKey, ArchivedFromKey, ArchivedAtKey, ArchivedByKey)
	for _, k := range touched {
		if v, ok := p.Image.Properties[k]; ok {
			j.Before.Properties[k] = &v
		} else {
			j.Before.Properties[k] = nil
		}
	}
	for _, old := range p.Predecessors {
		j.Predecessors = append(j.Predecessors, predecessor{old.Image.ID, old.Archive, old.Image.Hidden})
	}
	return j, nil
}

// goLive is everything that can be taken back: up to the last predecessor's renaming.
func (r *run) goLive(ctx context.Context) error {
	if err := r.stage(ctx); err != nil {
		return err
	}
	if err := r.swap(ctx); err != nil {
		return err
	}
	return archive(ctx, r.site, r.plan.Image.ID, r.journal, r.rep)
}

// stage gives the new image all that it has to have the moment it goes live.
func (r *run) stage(ctx context.Context) error {
	p := r.plan
	text, err := r.journal.encode()
	if err != nil {
		return err
	}
	patch := glance.Patch{}.Set(journalKey, text).Set(promotingKey, p.Name).SetAll(p.Properties)
	if len(p.Members) > 0 && p.Image.Visibility != glance.Shared {
		patch = patch.Visibility(glance.Shared)
	}
	if _, err := r.site.Images.Update(ctx, p.Image.ID, patch); err != nil {
		return err
	}
	if r.journal.Before.Inactive {
		r.rep.Step("Reactivating image %s", p.Image)
		if err := r.site.Images.Reactivate(ctx, p.Image.ID); err != nil {
			return err
		}
	}
	return r.shareWith(ctx, p.Members)
}

// shareWith adds the members with their statuses, and reads them back.
func (r *run) shareWith(ctx context.Context, members []Member) error {
	if len(members) == 0 {
		return nil
	}
	r.rep.Step("Sharing image %s with %s", r.plan.Image, count(len(members), "project"))
	id := r.plan.Image.ID
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, m := range members {
		group.Go(func() error {
			if m.Now == "" {
				if err := r.site.Images.AddMember(work, id, m.ProjectID); err != nil {
					return err
				}
			}
			if m.Status == m.Now || m.Now == "" && m.Status == glance.Pending {
				return nil
			}
			return r.site.memberClient(m.ProjectID).SetMemberStatus(work, id, m.ProjectID, m.Status)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	now, err := membersNow(ctx, r.site, &glance.Image{ID: id, Visibility: glance.Shared})
	if err != nil {
		return err
	}
	for _, m := range members {
		if now[m.ProjectID] != m.Status {
			return fault.New(fault.Conflict, "run it again", "project %s is %q on image %s after it was made %q; somebody else changes it", m.ProjectID, now[m.ProjectID], r.plan.Image, m.Status)
		}
	}
	return nil
}

// memberClient is the client that may set a member's status.
func (s Site) memberClient(project string) *glance.Client {
	if c := s.Acceptors[project]; c != nil {
		return c
	}
	return s.Images
}

// swap makes the new image the current one, in one request.
func (r *run) swap(ctx context.Context) error {
	p := r.plan
	r.rep.Step("Making image %s current under %q", p.Image, p.Name)
	r.journal.Phase = swapped
	text, err := r.journal.encode()
	if err != nil {
		return err
	}
	patch := glance.Patch{}.Change(journalKey, text).Hidden(false).Visibility(p.Visibility).
		Set(PromotedKey, r.journal.At).Set(GenerationKey, strconv.Itoa(r.number))
	for _, k := range []string{ArchivedFromKey, ArchivedAtKey, ArchivedByKey} {
		if r.journal.Before.Properties[k] != nil {
			patch = patch.Remove(k)
		}
	}
	if p.Options.Strategy == Pointer {
		patch = patch.Set(CurrentKey, p.Name)
	} else {
		patch = patch.Name(p.Name)
	}
	_, err = r.site.Images.Update(ctx, p.Image.ID, patch)
	return err
}

func (r *run) result() Result {
	res := Result{
		ImageID: r.plan.Image.ID, Name: r.plan.Name, Changed: true,
		Archived: map[string]string{}, Members: len(r.plan.Members),
	}
	for _, old := range r.plan.Predecessors {
		res.Archived[old.Image.ID] = old.Archive
	}
	for _, img := range r.plan.Prune {
		res.Pruned = append(res.Pruned, img.ID)
	}
	return res
}
