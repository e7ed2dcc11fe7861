package retention

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Staged is an image that retention has changed.
type Staged struct {
	Image      *glance.Image
	Stage      string
	At         time.Time // zero if the image doesn't say
	Policy     string
	ReplacedBy string // the id of the image to use instead
	Restored   string // what restoring it makes it
}

// Status lists the project's images that retention has changed or keeps, most recently changed first. owner is
// another project's id, or AnyOwner.
func Status(ctx context.Context, site Site, project string) ([]Staged, error) {
	q := glance.Query{Owner: cmp.Or(project, site.Project), BothHidden: true}
	if project == AnyOwner {
		q.Owner = ""
	}
	if q.Owner != site.Project {
		q.Visibility = "all"
	}
	var all []Staged
	err := site.Images.EachImage(ctx, q, func() { all = nil }, func(images []*glance.Image) {
		for _, img := range images {
			if s, ok := stagedOf(img); ok {
				all = append(all, s)
			}
		}
	})
	slices.SortStableFunc(all, func(a, b Staged) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Image.ID, b.Image.ID)) })
	return slices.CompactFunc(all, func(a, b Staged) bool { return a.Image.ID == b.Image.ID }), err
}

func stagedOf(img *glance.Image) (Staged, bool) {
	s := Staged{
		Image: img, Stage: StageOf(img), At: stageAt(img), Policy: img.Properties[PolicyKey], ReplacedBy: img.Properties[ReplacedByKey],
	}
	if b := beforeOf(img); b != nil {
		s.Restored = (&restoring{}).note(img, b)
	}
	if s.Stage == "" {
		for key, word := range map[string]string{releasingKey: "deleting", ProtectedKey: "protected", KeepKey: "kept"} {
			if img.Properties[key] != "" {
				s.Stage = word
			}
		}
	}
	return s, s.Stage != ""
}
