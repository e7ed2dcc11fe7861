package retention

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// isPrivate reports whether only an image's project can use it. Where it can't be told, others can.
func (p *Plan) isPrivate(ctx context.Context, img *glance.Image) bool {
	return p.site.isPrivate(ctx, img.ID, privacyOf(img))
}

// privacy is what an image itself tells about who can use it.
type privacy int

const (
	open    privacy = iota // others can, or could before retention changed it
	members                // its members can, if there are any
	private                // only its project can
)

func privacyOf(img *glance.Image) privacy {
	is := map[string]privacy{glance.Private: private, glance.Shared: members}[img.Visibility]
	b := beforeOf(img)
	if b == nil || b.Visibility == glance.Private || b.Visibility == img.Visibility && len(b.Members) == 0 {
		return is
	}
	return open // servers of others may have been booted before
}

func (s Site) isPrivate(ctx context.Context, id string, p privacy) bool {
	if p != members {
		return p == private
	}
	all, err := s.Images.Members(ctx, id)
	return err == nil && len(all) == 0
}

// closeShared finds out which shared images have no members, where the policy wants to know.
func (s Site) closeShared(ctx context.Context, records []*record) {
	group := errgroup.Group{}
	group.SetLimit(parallel)
	for _, r := range records {
		if r.privacy == members {
			group.Go(func() error {
				r.privacy = open
				if s.isPrivate(ctx, r.id, members) {
					r.privacy = private
				}
				return nil
			})
		}
	}
	_ = group.Wait() // there are none
}
