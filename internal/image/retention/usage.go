package retention

import (
	"context"
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Users tells who uses images.
type Users interface {
	// Survey asks all sources about all images. take gets each image that the credentials see, and restart is
	// called before they are listed again from the start; both may be nil.
	Survey(ctx context.Context, take func(*glance.Image), restart func()) (Survey, error)
}

// Survey is who uses which image.
type Survey interface {
	// Of lists an image's users for people, such as `server "web-1" (ID) boots from it`. Nothing breaks for
	// those in traces if the image goes: what they were made from is lost.
	Of(img *glance.Image) (users, traces []string)
	// Absent lists the sources that didn't show everything.
	Absent() []Absent
}

// unused is a skip if an image is in use by now, or nothing tells.
func (p *Plan) unused(ctx context.Context, survey Survey, img *glance.Image) error {
	if users, _ := survey.Of(img); len(users) > 0 {
		return skip{"it is in use by now: " + list(users)}
	}
	sole := usage.Sole(ctx, p.site.Images, img.ID, img.Owner, usage.ReachOf(img))
	if lacking := p.Policy.lacking(survey.Absent(), sole); len(lacking) > 0 {
		return skip{fmt.Sprintf("nothing tells whether it is in use by now: %s", list(lacking))}
	}
	return nil
}
