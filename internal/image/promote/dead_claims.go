package promote

import (
	"context"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// sweepLease is how long a claim must be without a heartbeat before a sweep removes it. Another
// promotion may remove it much earlier, because it continues from the journal.
const sweepLease = 5 * time.Minute

// DeadClaims lists the claims of the owner's names whose runs are dead. Removing one doesn't affect
// images: what its run left is in the journal, and the next promotion settles it.
func DeadClaims(ctx context.Context, images *glance.Client, owner string) ([]*glance.Image, error) {
	hidden, err := images.Images(ctx, glance.Query{Owner: owner, Hidden: true, Status: glance.StatusQueued})
	if err != nil {
		return nil, err
	}
	var dead []*glance.Image
	for _, img := range hidden {
		if ClaimedName(img) == "" {
			continue
		}
		// One that can't be read may be alive, and doesn't hide the others.
		if claim, err := DeadClaim(ctx, images, img.ID); err == nil && claim != nil {
			dead = append(dead, claim)
		}
	}
	return dead, ctx.Err()
}

// DeadClaim reads one claim; nil if it isn't there or its run may live.
func DeadClaim(ctx context.Context, images *glance.Client, id string) (*glance.Image, error) {
	claim, now, err := images.ImageAt(ctx, id)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case ClaimedName(claim) == "" || !expired(claim, now, sweepLease):
		return nil, nil
	}
	return claim, nil
}

// ClaimedName is the name that a claim claims, "" for any other image.
func ClaimedName(img *glance.Image) string { return img.Properties[claimKey] }

// Concerns reports whether the image is, was or is just becoming the current one of a name.
func Concerns(img *glance.Image) bool {
	return slices.ContainsFunc([]string{journalKey, promotingKey, PromotedKey, CurrentKey, ArchivedFromKey}, func(key string) bool {
		return img.Properties[key] != ""
	})
}

// Unsettled reports whether a promotion is changing the image, or a dead run left it half changed.
func Unsettled(img *glance.Image) bool {
	return img.Properties[journalKey] != "" || img.Properties[promotingKey] != ""
}
