package usage

import (
	"context"
	"encoding/json"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Reach is who can use an image, as far as the image itself tells.
type Reach int

// Who can use an image.
const (
	Open    Reach = iota // others can, or could before retention changed it
	Members              // its members can, if there are any
	Closed               // only its project can
)

// BeforeKey is the property in which retention notes what an image was before it changed it.
const BeforeKey = "imgctl_before"

// ReachOf reads who can use an image, or could: servers may have been booted before it was closed.
func ReachOf(img *glance.Image) Reach {
	is := map[string]Reach{glance.Private: Closed, glance.Shared: Members}[img.Visibility]
	text, changed := img.Properties[BeforeKey]
	if !changed {
		return is
	}
	var was struct {
		Visibility string            `json:"visibility"`
		Members    map[string]string `json:"members"`
	}
	if json.Unmarshal([]byte(text), &was) != nil {
		return Open
	}
	if was.Visibility == glance.Private || was.Visibility == img.Visibility && len(was.Members) == 0 {
		return is
	}
	return Open
}

// Sole is the id of the only project that can use an image: its owner, or "" if others can or nothing tells.
func Sole(ctx context.Context, images *glance.Client, id, owner string, r Reach) string {
	switch r {
	case Closed:
		return owner
	case Members:
		if all, err := images.Members(ctx, id); err == nil && len(all) == 0 {
			return owner
		}
	case Open:
	}
	return ""
}

// Hides reports whether all that the source didn't show belongs to other projects than Source.Project.
func (s Source) Hides() bool {
	return (s.State == Limited || s.State == Forbidden) && s.Name != File && s.Project != ""
}

// Suffices reports whether what the source didn't show can't use an image that only one project can use, whose id
// is sole.
func (s Source) Suffices(sole string) bool { return s.Hides() && s.Project == sole }
