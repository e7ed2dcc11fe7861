package promote

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// NewRollback plans the promotion that makes an archived image current under the name again: the
// one with the id o.ImageID, or the one whose place the current image took. It is carried out by
// Apply as any other; a deactivated image becomes active.
func NewRollback(ctx context.Context, site Site, owner string, o Options) (*Plan, error) {
	name := o.Name
	history, err := NewHistory(ctx, site, owner, name)
	if err != nil {
		return nil, err
	}
	unfinished, err := NewResume(ctx, site, owner, name)
	if err != nil {
		return nil, err
	}
	if !unfinished.Done() {
		return nil, fault.New(fault.Conflict, "resume that promotion first",
			"a promotion of %q by run %s isn't finished", name, unfinished.Unfinished[0].Run)
	}
	target := predecessorOf(history, o.ImageID)
	switch {
	case len(history) == 0:
		return nil, fault.New(fault.NotFound, "check the name, and whose project it is in",
			"no image is or was current under %q in project %s", name, owner)
	case target == nil && o.ImageID != "":
		return nil, fault.New(fault.NotFound, "look at the history of the name", "image %s never was current under %q", o.ImageID, name)
	case target == nil:
		return nil, fault.New(fault.NotFound, "look at the history of the name", "the current image of %q has no predecessor", name)
	}
	o.ImageID, o.Reactivate = target.ID, true
	return NewPlan(ctx, site, o)
}

// predecessorOf is the image of the history with the id; for "" the last one to be replaced by
// an image that is current. Several that were archived together are told apart by age.
func predecessorOf(history []Entry, id string) *glance.Image {
	if id != "" {
		n := slices.IndexFunc(history, func(e Entry) bool { return e.Image.ID == id })
		if n < 0 {
			return nil
		}
		return history[n].Image
	}
	current := map[string]bool{}
	for _, e := range history {
		if e.Current {
			current[e.Image.ID] = true
		}
	}
	var candidates []*glance.Image
	for _, e := range history {
		// Where the current image was deleted, the last one before it comes first.
		if !e.Current && (current[e.Successor] || len(current) == 0 && e.Successor == history[0].Successor) {
			candidates = append(candidates, e.Image)
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	glance.NewestFirst(candidates)
	return candidates[0]
}

// Find is the id of the image that a person means: by its id, or by the exact name of one image
// of the owner.
func Find(ctx context.Context, site Site, owner, image string) (string, error) {
	if image == "" {
		return "", fault.Bad("image_id", "name the image by its id or its exact name", "it is empty")
	}
	return site.Images.Named(ctx, owner, image)
}
