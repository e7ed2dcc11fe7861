package share

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// ListOptions say which shares to list. With neither From nor To it is what the default cloud's
// project shares; with To alone it is what others share with those projects.
type ListOptions struct {
	Selection          // may be empty: all images
	From      string   // cloud of the images
	To        []string // clouds of the targets
}

// Share is an image and a project that it is shared with. ProjectID is "" if the image is
// shared with nobody, or with nobody knows whom.
type Share struct {
	Image     *glance.Image
	ProjectID string
	Project   string    // name, "" if it isn't known
	Cloud     string    // of the target, where To named it
	Status    string    // Glance's, or None, Dormant or Unknown
	CreatedAt time.Time // when the project became a member; zero if it isn't known
	UpdatedAt time.Time // when the status was last set; zero if it isn't known
	Expires   time.Time // zero is never
	Note      string    // such as that the project doesn't exist any more
}

// List lists shares by image and project: newest image first. If some of several targets or images can't be listed,
// it lists the others, and the error is of kind fault.Partial.
//
// The service tells the members of shared images only. Those of a private image are known where
// `share suspend` or an expiry wrote them on the image; what else it keeps nobody can list.
func List(ctx context.Context, clouds Clouds, o ListOptions) ([]Share, error) {
	if err := errors.Join(o.blank(), noneBlank("to", o.To)); err != nil {
		return nil, err
	}
	clouds = Cached(clouds)
	if o.From == "" && len(o.To) > 0 {
		return listOffers(ctx, clouds, o)
	}
	warm(ctx, clouds, append([]string{o.From}, o.To...))
	source, err := clouds(ctx, o.From)
	if err != nil {
		return nil, err
	}
	to, failed, err := reachable(ctx, clouds, o.To)
	if err != nil {
		return nil, err
	}
	if len(to) == 0 && len(failed) > 0 {
		return nil, errors.Join(errorsOf(failed)...)
	}
	only := map[string]*Tenancy{} // by project id
	for _, t := range to {
		only[t.Project.ID] = t
	}
	images, lost, err := o.wanted(ctx, source)
	if err != nil {
		return nil, err
	}
	found, errs := make([][]Share, len(images)), make([]error, len(images))
	var group errgroup.Group
	group.SetLimit(requests)
	for n, img := range images {
		group.Go(func() error {
			found[n], errs[n] = sharesOf(ctx, source, img, len(o.Images) > 0)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), errors.Join(errs...))
	}
	for n, img := range images {
		if errs[n] != nil {
			lost = append(lost, lostImage(img, fmt.Errorf("image %s: %w", img, errs[n])))
		}
	}
	all := slices.Concat(found...)
	if len(all) == 0 && len(lost) > 0 && len(lost) >= len(images) {
		return nil, errors.Join(errorsOf(slices.Concat(failed, lost))...)
	}
	return narrowed(all, only), incomplete(failed, lost)
}

// incomplete is the error of a list that lacks clouds or images that failed, nil if nothing did.
func incomplete(clouds, images []Failure) error {
	var what []string
	if len(clouds) > 0 {
		what = append(what, count(len(clouds), "cloud"))
	}
	if len(images) > 0 {
		what = append(what, count(len(images), "image"))
	}
	if len(what) == 0 {
		return nil
	}
	return fault.Wrap(fault.Partial, "", fmt.Errorf("%s not listed: %w", strings.Join(what, " and "),
		errors.Join(errorsOf(slices.Concat(clouds, images))...)))
}

// narrowed leaves the shares with the projects, if any are given.
func narrowed(all []Share, only map[string]*Tenancy) []Share {
	if len(only) == 0 {
		return all
	}
	all = slices.DeleteFunc(all, func(s Share) bool { return only[s.ProjectID] == nil })
	for n := range all {
		to := only[all[n].ProjectID]
		all[n].Cloud, all[n].Project = to.Cloud, to.Project.Name
	}
	return all
}

// wanted are the project's images that are listed: all of them, or those that are selected. One that fails is told.
func (o ListOptions) wanted(ctx context.Context, site *Tenancy) ([]*glance.Image, []Failure, error) {
	if !o.empty() {
		s := o.Selection
		s.Pick = All
		return s.nothing(s.resolvePartly(ctx, site))
	}
	images, err := site.Images.Images(ctx, glance.Query{Owner: site.Project.ID, BothHidden: true})
	glance.NewestFirst(images)
	return images, nil, err
}

// sharesOf are one image's shares; an image without any has a line of its own where it is named.
func sharesOf(ctx context.Context, site *Tenancy, img *glance.Image, named bool) ([]Share, error) {
	ends, unreadable := expiriesOf(img)
	var shares []Share
	switch img.Visibility {
	case glance.Shared:
		members, err := site.Images.Members(ctx, img.ID)
		if fault.Is(err, fault.NotFound) {
			return nil, nil // it was deleted a moment ago
		}
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			shares = append(shares, Share{ProjectID: m.ProjectID, Status: m.Status, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt})
		}
	case glance.Private:
		var err error
		if shares, err = dormant(img, ends); err != nil {
			unreadable = err
		}
		if len(shares) == 0 && named {
			shares = append(shares, Share{Status: Unknown, Note: "the image is private; the service doesn't list the members it keeps"})
		}
	}
	if len(shares) == 0 && named {
		shares = append(shares, Share{Status: None})
	}
	for n := range shares {
		s := &shares[n]
		s.Image, s.Expires = img, ends[s.ProjectID]
		if unreadable != nil { // one image that somebody wrote nonsense on must not hide the others
			s.Note = notes(s.Note, unreadable.Error())
		}
		if s.ProjectID == "" {
			continue
		}
		p, err := site.project(ctx, s.ProjectID)
		if err != nil {
			return nil, err
		}
		s.Project = p.Name
		s.Note = notes(s.Note, stateNote(img), s.statusNote(), p.ghost(), s.overdue(time.Now()))
	}
	return shares, nil
}

// stateNote says what the image's own state means for those it is shared with.
func stateNote(img *glance.Image) string {
	var hidden, inactive string
	if img.Hidden {
		hidden = "hidden: in nobody's default list, and usable by its id"
	}
	if img.Status == glance.StatusDeactivated {
		inactive = "deactivated: nobody but an admin can use it until it is reactivated"
	}
	return notes(hidden, inactive)
}

func (s *Share) statusNote() string {
	if s.Status == glance.Rejected {
		return "rejected, and still usable by its id"
	}
	return ""
}

func (s *Share) overdue(now time.Time) string {
	if s.Expires.IsZero() || s.Expires.After(now) {
		return ""
	}
	return "expired, and not removed yet"
}

func notes(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

// dormant are the members of a private image as far as they were written on it.
func dormant(img *glance.Image, ends expiries) ([]Share, error) {
	kept, suspended, err := suspendedOf(img)
	if err != nil {
		return nil, err
	}
	var shares []Share
	for _, id := range sortedKeys(kept) {
		shares = append(shares, Share{ProjectID: id, Status: Dormant, Note: "suspended; it was " + kept[id]})
	}
	if suspended {
		return shares, nil
	}
	for _, id := range sortedKeys(ends) {
		shares = append(shares, Share{ProjectID: id, Status: Dormant, Note: "the image was made private"})
	}
	return shares, nil
}

// listOffers lists what others share with the targets, as the targets see it. A target or image that fails is left
// out and told.
func listOffers(ctx context.Context, clouds Clouds, o ListOptions) ([]Share, error) {
	sites, failed, err := reachable(ctx, clouds, o.To)
	if err != nil {
		return nil, err
	}
	found, lost, errs := make([][]Share, len(sites)), make([][]Failure, len(sites)), make([]error, len(sites))
	var group errgroup.Group
	for n, site := range sites {
		group.Go(func() error {
			found[n], lost[n], errs[n] = o.offersTo(ctx, site)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), errors.Join(errs...))
	}
	for n, site := range sites {
		if errs[n] != nil {
			failed = append(failed, Failure{State: Unplanned, Cloud: site.Cloud, Err: fmt.Errorf("%s: %w", site, errs[n])})
			found[n], lost[n] = nil, nil
		}
	}
	all, images := slices.Concat(found...), slices.Concat(lost...)
	if len(failed) == len(o.To) || len(all) == 0 && len(images) > 0 {
		return nil, errors.Join(errorsOf(slices.Concat(failed, images))...)
	}
	return all, incomplete(failed, images)
}

func (o ListOptions) offersTo(ctx context.Context, site *Tenancy) ([]Share, []Failure, error) {
	images, failed, err := o.sharedWith(ctx, site)
	if err != nil {
		return nil, nil, err
	}
	glance.NewestFirst(images)
	shares, errs := make([]Share, len(images)), make([]error, len(images))
	var group errgroup.Group
	group.SetLimit(requests)
	for n, img := range images {
		group.Go(func() error {
			shares[n], errs[n] = offer(ctx, site, img)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	for n, img := range images {
		if errs[n] != nil {
			failed = append(failed, lostImage(img, fmt.Errorf("%s: image %s: %w", site, img, errs[n])))
		}
	}
	return slices.DeleteFunc(shares, func(s Share) bool { return s.Image == nil }), failed, nil
}

// offer is the site's share of an image; none if the image isn't shared with it, which an admin is shown, too.
func offer(ctx context.Context, site *Tenancy, img *glance.Image) (Share, error) {
	m, err := site.Images.Member(ctx, img.ID, site.Project.ID)
	if fault.Is(err, fault.NotFound) {
		return Share{}, nil
	}
	if err != nil {
		return Share{}, err
	}
	s := Share{
		Image: img, ProjectID: site.Project.ID, Project: site.Project.Name, Cloud: site.Cloud,
		Status: m.Status, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
	}
	if ends, e := expiriesOf(img); e == nil { // somebody else's image: what its owner wrote may be anything
		s.Expires = ends[site.Project.ID]
	}
	return s, nil
}

func (o ListOptions) sharedWith(ctx context.Context, site *Tenancy) ([]*glance.Image, []Failure, error) {
	if o.empty() {
		images, err := offers(ctx, site, glance.Query{})
		return images, nil, err
	}
	s := o.Selection
	s.Pick = All
	return s.nothing(s.partly(ctx, func(ctx context.Context, one string) ([]*glance.Image, error) { return s.offered(ctx, site, one) },
		"is shared with "+site.String()))
}

// nothing is an empty list where a filter fits none; a name that fits none has failed.
func (s Selection) nothing(images []*glance.Image, failed []Failure, err error) ([]*glance.Image, []Failure, error) {
	if len(s.Images) == 0 {
		failed = slices.DeleteFunc(failed, func(f Failure) bool { return fault.Is(f.Err, fault.NotFound) })
	}
	return images, failed, err
}

func lostImage(img *glance.Image, err error) Failure {
	return Failure{State: Unplanned, ImageID: img.ID, Image: img.Name, Err: err}
}
