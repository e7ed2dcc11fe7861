// Package modify changes images on their way to a registry, as entries with modify_role ask: packages
// are updated or installed, files are copied, a Dockerfile is applied. What can be done by changing
// layers and configuration is done here; what has to run in the image goes through buildah; what a
// site does by itself goes through its own command. A changed image gets its tag last, so that
// there is never half of it.
package modify

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
)

// Role is the role that imgctl carries out itself.
const Role = "tripleo-modify-image"

// The labels of a changed image.
const (
	// TagLabel is what TripleO's role sets: the text that was added to the tag.
	TagLabel = "modified_append_tag"
	// InputsLabel tells what image it was made from, and by which change: a digest of all of it.
	InputsLabel = "imgctl_modify_inputs"
	baseName    = "org.opencontainers.image.base.name"
	baseDigest  = "org.opencontainers.image.base.digest"
)

// Job is one image to change.
type Job struct {
	// Source is the image as it is; Copy is where it is copied first, in the target's repository.
	Source, Copy, Target reference.Reference
	// SourceFolder and TargetFolder are the folders that have them in place of registries; "" is none.
	SourceFolder, TargetFolder string
	Role, AppendTag            string
	Vars                       map[string]any
	At                         string // where the entry stands, for messages
}

// Options say how changes are carried out.
type Options struct {
	// Roles are the commands of roles that aren't ours, by name. A command for ours replaces it.
	Roles map[string][]string
	// Folders are those that images are read from, or written to, in place of registries.
	Folders map[string]transfer.Folder
	// Executor is the only one to use: Native or Buildah; "" is what each change needs.
	Executor string
	// Scratch is where images are unpacked; "" is /var/tmp.
	Scratch string
	// Folder is what relative paths in variables are below.
	Folder string
	// Env is the environment of programs that are started; nil is that of this process.
	Env []string
	// AtOnce is how many images are changed at a time; 0 is 2.
	AtOnce int
	// Timeout bounds the change of one image; 0 is an hour.
	Timeout time.Duration
}

func (o Options) filled() Options {
	if o.Scratch == "" {
		o.Scratch = "/var/tmp"
	}
	if o.AtOnce == 0 {
		o.AtOnce = 2
	}
	if o.Timeout == 0 {
		o.Timeout = time.Hour
	}
	return o
}

// State is how far an image is.
type State string

// The states.
const (
	Current  State = "up to date"
	Planned  State = "to modify"
	Modified State = "modified"
	Failed   State = "failed"
)

// Image is one job in a plan.
type Image struct {
	Job
	State    State
	Executor string // which one changes it
	Why      string // why this one, or why nothing has to be done
	Digest   string // of the result
	// SourceDigest is what the source was when it was planned.
	SourceDigest string
	Err          error

	recipe *recipe
	exec   executor
	base   v1.Image // the source; layers come from there until it is copied
	inputs string
}
