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
	// SourceFolder and TargetFolder name folders of the Stores that have the image, or get it; "" is the
	// registry that the reference names.
	SourceFolder, TargetFolder string
}

// Options bound a run.
type Options struct {
	Images int // manifests, mounts and look-ups at once; 0 is 16
	Blobs  int // blobs that are sent at once; 0 is 8
	// Rate is how many bytes are fetched per second at most; 0 is any number.
	Rate int64
	// Referrers says whether what is attached to images is copied, too; "" is NewReferrers.
	Referrers Referrers
	// MayHave names repositories of the target that may have a blob, by its digest.
	MayHave map[string][]string
}

// Referrers are signatures, SBOMs and all else that is attached to an image: manifests that have it as
// their subject, and cosign's tags.
type Referrers string

// What is copied of them.
const (
	NewReferrers Referrers = "new" // those of images that are copied
	AllReferrers Referrers = "all" // also those of images that are up to date
	NoReferrers  Referrers = "none"
)

func (o Options) filled() Options {
	if o.Images == 0 {
		o.Images = 16
	}
	if o.Blobs == 0 {
		o.Blobs = 8
	}
	if o.Referrers == "" {
		o.Referrers = NewReferrers
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
	Attached       int // signatures and all else that is copied with it

	source, target registry.Image

	manifests []stored // in the order in which they are stored; the last is the image's own
	blobs     []registry.Descriptor
	progress  progress
}

// stored is a manifest, and how the target gets it.
type stored struct {
	*registry.Manifest
	tag      string // besides its digest
	attached bool   // found from its subject
}

func (i *Image) from() registry.Image { return i.source }
func (i *Image) to() registry.Image   { return i.target }

// Image is where the image of that name is: in the folder, if it is one of the stores, else in its registry.
func (s Stores) Image(r reference.Reference, folder string) registry.Image {
	if f := s.Folders[folder]; f != nil {
		return registry.Image{Host: folder, Repository: f.Repository(r), Identifier: r.Identifier()}
	}
	return registry.Image{Host: r.Registry(), Repository: r.Repository(), Identifier: r.Identifier()}
}

// place is one repository of one registry.
type place struct{ host, repository string }

// blob is one blob that a registry needs.
type blob struct {
	registry.Descriptor
	host    string   // the registry that needs it
	home    string   // the repository that gets it first, or has it; others mount it from there
	present bool     // home has it
	from    []place  // where it can be fetched
	images  []*Image // that miss it
	settled chan struct{}
	err     error // once settled
}

type blobKey struct{ host, digest string }
