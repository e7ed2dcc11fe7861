package share

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// AddOptions say what to share with whom.
type AddOptions struct {
	Selection
	Tuning
	From     string   // cloud of the images; "" is the default one
	To       []string // clouds of the targets, which accept with their own credentials
	Projects []string // targets known by id or name only
}

// PlanAdd plans to share images with projects, accepted where there are credentials that may accept.
func PlanAdd(ctx context.Context, clouds Clouds, o AddOptions) (*Plan, error) {
	if err := errors.Join(o.blank(), noneBlank("to", o.To), noneBlank("to_project", o.Projects)); err != nil {
		return nil, err
	}
	if len(o.To)+len(o.Projects) == 0 {
		return nil, fault.New(fault.Usage, "name clouds or projects to share with", "no project is named to share with")
	}
	clouds = Cached(clouds)
	// All clouds at once; who is named for what is sorted out when all are there.
	if _, err := open(ctx, clouds, append([]string{o.From}, o.To...)); err != nil {
		return nil, err
	}
	source, err := clouds(ctx, o.From)
	if err != nil {
		return nil, err
	}
	var to []Target
	var images []*glance.Image
	group, work := errgroup.WithContext(ctx)
	group.Go(func() (err error) { to, err = targets(work, source, clouds, o.To, o.Projects, o.Tuning); return err })
	group.Go(func() (err error) { images, err = o.resolve(work, source); return err })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	p := &Plan{parallel: cmp.Or(o.Parallel, defaultParallel)}
	if err := p.share(ctx, source, images, to, o.Tuning); err != nil {
		return nil, err
	}
	return p, nil
}

// share plans each image for all targets.
func (p *Plan) share(ctx context.Context, source *Tenancy, images []*glance.Image, to []Target, tuning Tuning) error {
	var near, far []Target
	for _, t := range to {
		if t.foreign {
			far = append(far, t)
		} else {
			near = append(near, t)
		}
	}
	changes := make([]*Change, len(images))
	copies := make([][]*Copy, len(images))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for n, img := range images {
		group.Go(func() (err error) {
			if len(near) > 0 {
				if changes[n], err = planImage(ctx, source, img, near, tuning); err != nil {
					return err
				}
			}
			copies[n], err = planCopies(ctx, source, img, far)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for n, img := range images {
		if state := stateNote(img); state != "" {
			p.note("image %s is %s", img, state)
		}
		if changes[n] != nil {
			p.Changes = append(p.Changes, changes[n])
		}
		p.Copies = append(p.Copies, copies[n]...)
	}
	return nil
}

func planImage(ctx context.Context, source *Tenancy, img *glance.Image, to []Target, tuning Tuning) (*Change, error) {
	c := newChange(source, img)
	var err error
	if c.expires, err = expiriesOf(img); err != nil {
		return nil, err
	}
	now := map[string]string{}
	switch img.Visibility {
	case glance.Public:
	case glance.Shared:
		if now, err = source.Images.Statuses(ctx, img.ID); err != nil {
			return nil, err
		}
	case glance.Private:
		if _, suspended, _ := suspendedOf(img); suspended {
			return nil, fault.New(fault.Conflict, fault.Advise("resume it first, with %s", fault.Do("share", "resume", img.ID)),
				"image %s is suspended: sharing it would give all its members their access back", img)
		}
		c.Visibility = glance.Shared
	default:
		return nil, fault.New(fault.Conflict, "make it shared or private first, if that is what you want",
			"image %s is %s, so every project can use it by its id: sharing it would take that away", img, img.Visibility)
	}
	for _, t := range to {
		m := t.member(source, now, tuning.AcceptRejected)
		if img.Visibility == glance.Public {
			m.After, m.Note, m.refusal = m.Before, "the image is public: it is visible to all already", false
		} else if !tuning.Expires.IsZero() {
			c.expire(m.Project, tuning.Expires)
		}
		m.Expires = c.expires[m.Project]
		c.Members = append(c.Members, m)
	}
	return c, nil
}

// member is the target's membership as it is now and as it is going to be.
func (t Target) member(source *Tenancy, now map[string]string, overrule bool) Member {
	m := Member{
		Project: t.Project, Name: t.Name, Cloud: t.cloud(), Before: cmp.Or(now[t.Project], None),
		After: glance.Accepted, acceptor: t.acceptor(source),
	}
	switch {
	case m.acceptor == nil && m.Before == None:
		m.After, m.Note = glance.Pending, "its project has to accept; until then it can use the image by its id only"
	case m.acceptor == nil && m.Before == glance.Rejected:
		m.After, m.Note, m.refusal = m.Before, "the project has rejected the image, and only it can change its answer", true
	case m.acceptor == nil:
		m.After = m.Before
	case m.Before == glance.Rejected && !overrule:
		// Who may accept on its behalf could, but the project has said what it wants.
		m.After, m.Note, m.refusal = m.Before, "the project has rejected the image, and its answer stands", true
	}
	return m
}

// count is a number with its noun, such as "1 project" or "2 projects".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
