package promote

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// What becomes of the predecessors' members.
const (
	Transfer = "transfer" // they move to the new image
	Copy     = "copy"     // they get the new image and keep the old one
	None     = "none"     // they stay with the old image
)

// Which status the members have on the new image.
const (
	Preserve = "preserve" // the one they have on the predecessor
	Accept   = "accept"   // pending becomes accepted; rejected stays rejected
)

// What becomes of a predecessor when it is archived.
const (
	Keep       = "keep"
	Hide       = "hide"
	Deactivate = "deactivate"
)

// How the current image of a name is marked.
const (
	Rename  = "rename"  // it is the one that carries the name
	Pointer = "pointer" // names never change; its property imgctl_current has the name
)

// Options of a promotion. The zero value of an optional field is its default.
type Options struct {
	// ImageID is the image that becomes current.
	ImageID string

	// Name is the name it becomes current under; default is the name it has.
	Name string

	// ArchiveName is the template of the predecessors' names. Default is DefaultArchiveName.
	ArchiveName string

	Members      string // Transfer (default), Copy or None
	MemberStates string // Preserve (default) or Accept

	// Visibility is the new image's at the end; default is the widest of the predecessors', or its
	// own if there is none.
	Visibility string

	// CopyProperties are patterns (* and ?) of properties that the new image takes over from
	// the predecessor where it doesn't have them itself.
	CopyProperties []string

	// Properties are set on the new image, as part of the promotion.
	Properties map[string]string

	OldAction string // Keep (default), Hide or Deactivate

	// Retain is how many archived images of the name stay; nil keeps all.
	Retain *int

	// Strategy is Rename or Pointer; default is the one that the name's images show, Rename for a new
	// name. It is an error to set the other one.
	Strategy string

	// Owner is the id of the project that must own the image; "" is any that the credentials may write to.
	Owner string

	// Gate is a command that tests the image before anything is changed; the image's id is in
	// its environment as IMAGE_ID. Any exit status but 0 stops the promotion.
	Gate []string

	// GateDir and GateEnv are the gate's working folder and environment; the zero values are this
	// process's own.
	GateDir string
	GateEnv []string

	// Check tests the image before anything is changed, after the gate; nil tests nothing.
	Check *Check

	// Timeout limits the whole promotion, including the gate and waiting for other runs; default 15 minutes.
	Timeout time.Duration

	// Reactivate allows a deactivated image to become current, which reactivates it.
	Reactivate bool
}

// Check is a test of the image that isn't a command, such as a boot test. An error stops the promotion.
type Check struct {
	What string // for people, such as "boot test"
	Run  func(ctx context.Context, img *glance.Image, rep report.Reporter) error
}

// withDefaults fills in what the caller left open.
func (o Options) withDefaults() Options {
	def := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	def(&o.ArchiveName, DefaultArchiveName)
	def(&o.Members, Transfer)
	def(&o.MemberStates, Preserve)
	def(&o.OldAction, Keep)
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Minute
	}
	return o
}

// Validate checks the options without asking the cloud. Errors begin with the option.
func (o Options) Validate() []error {
	o = o.withDefaults()
	var errs []error
	bad := func(option, format string, args ...any) {
		errs = append(errs, fault.Bad(option, "", format, args...))
	}
	oneOf := func(option, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			bad(option, "%q is not one of %q", value, allowed)
		}
	}
	oneOf("members", o.Members, Transfer, Copy, None)
	oneOf("member_states", o.MemberStates, Preserve, Accept)
	oneOf("visibility", o.Visibility, glance.Private, glance.Shared, glance.Community, glance.Public)
	oneOf("old_action", o.OldAction, Keep, Hide, Deactivate)
	oneOf("strategy", o.Strategy, Rename, Pointer)
	if len([]rune(o.Name)) > maxName {
		bad("image_name", "longer than the %d characters that an image's name may have", maxName)
	}
	if err := checkArchiveName(o.ArchiveName, o.Name); err != nil {
		bad("archive_name", "%w", err)
	}
	for _, pattern := range o.CopyProperties {
		if _, err := path.Match(pattern, ""); err != nil {
			bad("copy_properties", "%q: %w", pattern, err)
		}
		if pattern == "" {
			bad("copy_properties", "an empty pattern matches no property")
		}
		if !strings.ContainsAny(pattern, `*?[\`) && !glance.Copyable(pattern) {
			bad("copy_properties", "property %q belongs to the data of the image that has it, and would be wrong on another", pattern)
		}
	}
	if o.Retain != nil && *o.Retain < 0 {
		bad("keep", "%d is less than 0; leave it out to keep all archived images", *o.Retain)
	}
	if o.Timeout < 0 {
		bad("timeout", "%s is negative", o.Timeout)
	}
	if len(o.Gate) > 0 && o.Gate[0] == "" {
		bad("gate", "the command is empty; name a program and its arguments")
	}
	return errs
}
