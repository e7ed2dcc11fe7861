// Package transfer copies images from registries to registries. It plans over all images of a run:
// what the targets have already isn't sent, what several images share is fetched once and sent
// once to each target, and every other repository that needs it gets it by a mount. Manifests keep
// their bytes, and so their digests; an index follows the images that it lists. An image that fails
// doesn't stop the others.
package transfer

import (
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Job is one image to copy.
type Job struct {
	Source, Target reference.Reference
	// MultiArch copies an index with all its images. Without it, an index's image for linux/amd64, or
	// its first, is copied in its place.
	MultiArch bool
}

// Options bound a run.
type Options struct {
	Images int // manifests, mounts and look-ups at once; 0 is 16
	Blobs  int // blobs that are sent at once; 0 is 8
}

func (o Options) filled() Options {
	if o.Images == 0 {
		o.Images = 16
	}
	if o.Blobs == 0 {
		o.Blobs = 8
	}
	return o
}

// State is how far an image is.
type State string

// The states.
const (
	Current State = "up to date"
	Planned State = "to copy"
	Copied  State = "copied"
	Failed  State = "failed"
)

// Image is one job in a plan.
type Image struct {
	Job
	Digest string // of what the target gets
	State  State
	Err    error
	// Bytes is what the image is made of; Missing what of it the target's registry lacks. Images that
	// share a blob each count it.
	Bytes, Missing int64

	manifests []*registry.Manifest // in the order in which they are stored; the last gets the tag
	blobs     []registry.Descriptor
}

// at is where a reference's image is.
func at(r reference.Reference) registry.Image {
	return registry.Image{Host: r.Registry(), Repository: r.Repository(), Identifier: r.Identifier()}
}

// place is one repository of one registry.
type place struct{ host, repository string }

// blob is one blob that a registry needs.
type blob struct {
	registry.Descriptor
	host    string  // the registry that needs it
	home    string  // the repository that gets it first, or has it; others mount it from there
	present bool    // home has it
	from    []place // where it can be fetched
	settled chan struct{}
	err     error // once settled
}

type blobKey struct{ host, digest string }
