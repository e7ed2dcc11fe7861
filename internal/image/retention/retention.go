// Package retention lets old images leave in stages: deprecated, hidden, out of reach, in the trash,
// deleted. A policy says which images, at what age, and how many of each group stay.
//
// What nothing here does, whatever the policy: delete an image that is in use or protected, one of the newest
// of its group, one younger than the policy's minimum age, or one that the same run marked first. The stage is
// written on the image, so an image that was hidden or made private stays in sight of the policy.
package retention

import (
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Actions of stages, mildest first.
const (
	Deprecate  = "deprecate"  // name the replacement on the image
	Hide       = "hide"       // leave it out of lists; it still works by its id
	Community  = "community"  // leave a public image out of lists; everybody can still use it by its id
	Private    = "private"    // only its project can use it
	Deactivate = "deactivate" // nobody can boot from it
	Trash      = "trash"      // hide and deactivate it until it is deleted
	Delete     = "delete"     // remove it for good
)

// Actions are all of them, mildest first.
var Actions = []string{Deprecate, Hide, Community, Private, Deactivate, Trash, Delete}

// severity is an action's place in Actions, -1 for none.
func severity(action string) int { return slices.Index(Actions, action) }

// harms reports whether an action takes the image away from somebody who uses it by its id.
func harms(action string) bool { return severity(action) >= severity(Private) }

// Properties that retention writes on images, besides those of the image's stage. People and tools may read
// them, too.
const (
	StageKey      = "imgctl_stage"       // the action that was last carried out
	StageAtKey    = "imgctl_stage_at"    // when, RFC 3339
	BeforeKey     = usage.BeforeKey      // JSON of what the stages changed, as it was before the first one
	PolicyKey     = "imgctl_policy"      // the name of the policy
	ReplacedByKey = "imgctl_replaced_by" // the id of the image to use instead
	KeepKey       = "imgctl_keep"        // "true" on an image that no policy may touch
	ProtectedKey  = "imgctl_protected"   // "true" where retention made the image protected, and may make it unprotected
	releasingKey  = "imgctl_releasing"   // an image's status before it was deactivated to be deleted
)

// ledger properties are those of the record that says which policies have reported.
const (
	ledgerKey = "imgctl_retention"        // the policy's name
	digestKey = "imgctl_retention_digest" // its content when it last reported
)

// StageOf is the stage that an image is in, "" for none.
func StageOf(img *glance.Image) string {
	if stage := img.Properties[StageKey]; severity(stage) >= 0 {
		return stage
	}
	return ""
}

// stageAt is when the image got into its stage, zero if it is in none or the time is unreadable.
func stageAt(img *glance.Image) time.Time {
	at, _ := time.Parse(time.RFC3339, img.Properties[StageAtKey]) // unreadable: as if it were new
	return at
}
