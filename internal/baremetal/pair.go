package baremetal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// RoleKey is the property of an image that says what of a deploy ramdisk it is.
const RoleKey = "build-ipa"

// The values of RoleKey.
const (
	Kernel    = "kernel"
	Ramdisk   = "initramfs"
	ramdiskIs = "ramdisk" // as some builds write it
)

// builds are the properties that name the build which an image comes from, in the order in which they count.
var builds = []string{"build-tag", "build-timestamp", "build-id"}

// Pair is a deploy kernel and ramdisk.
type Pair struct {
	Kernel, Ramdisk Part
}

// Part is one image of a pair: an image of Glance, or an address of http, https or file.
type Part struct {
	Ref   string        // what driver_info gets: the image's id, or the address
	Image *glance.Image // nil for an address
}

func (p Part) String() string {
	if p.Image != nil && p.Image.Name != "" {
		return fmt.Sprintf("%s (%s)", p.Image.Name, p.Image.ID)
	}
	return p.Ref
}

// Refs are the values of the pair.
func (p *Pair) refs() Refs { return Refs{p.Kernel.Ref, p.Ramdisk.Ref} }

// Build is the build that the pair comes from, "" if its images don't say.
func (p *Pair) Build() string {
	return cmp.Or(p.Kernel.build(), p.Ramdisk.build())
}

func (p Part) property(keys ...string) string {
	if p.Image != nil {
		for _, key := range keys {
			if v := p.Image.Properties[key]; v != "" {
				return v
			}
		}
	}
	return ""
}

func (p Part) build() string { return p.property(builds...) }

func (p Part) arch() string { return p.property("hw_architecture", "architecture", "cpu_arch") }

// PairOptions choose a pair.
type PairOptions struct {
	Kernel, Ramdisk string            // image ids, names or addresses; both or none
	Properties      map[string]string // that the newest pair's images must have in addition
	Mixed           bool              // kernel and ramdisk may be of different builds
}

// Pair finds the pair: the given images, or the newest ones of the owner. A kernel and a ramdisk that don't belong
// together are refused.
func (s *Site) Pair(ctx context.Context, o PairOptions) (*Pair, error) {
	var p Pair
	var err error
	switch {
	case (o.Kernel == "") != (o.Ramdisk == ""):
		return nil, fault.New(fault.Usage, fault.Advise("give %s and %s, or neither", fault.Option("kernel"), fault.Option("ramdisk")),
			"half a pair: a node with a deploy kernel and no ramdisk of its own can't be deployed")
	case o.Kernel == "":
		p, err = s.newest(ctx, o)
	default:
		if p.Kernel, err = s.part(ctx, "kernel", o.Kernel, Kernel); err == nil {
			p.Ramdisk, err = s.part(ctx, "ramdisk", o.Ramdisk, Ramdisk)
		}
	}
	if err != nil {
		return nil, err
	}
	if p.Kernel.Ref == p.Ramdisk.Ref {
		return nil, fault.New(fault.Usage, "", "kernel and ramdisk are the same image, %s", p.Kernel)
	}
	if a, b := p.Kernel.arch(), p.Ramdisk.arch(); a != "" && b != "" && a != b {
		return nil, fault.New(fault.Conflict, "", "the kernel %s is for %s, the ramdisk %s for %s", p.Kernel, a, p.Ramdisk, b)
	}
	if a, b := p.Kernel.build(), p.Ramdisk.build(); a != b && a != "" && b != "" && !o.Mixed {
		return nil, fault.New(fault.Conflict, fault.Advise("give images of one build, or set %s", fault.Set("allow_mixed", true)),
			"the kernel %s is of build %s, the ramdisk %s of build %s", p.Kernel, a, p.Ramdisk, b)
	}
	return &p, nil
}

// part is one image of a pair that the user names.
func (s *Site) part(ctx context.Context, option, given, role string) (Part, error) {
	if strings.TrimSpace(given) == "" {
		return Part{}, fault.Bad(option, "", "it is empty")
	}
	for _, scheme := range []string{"http://", "https://", "file://"} {
		if strings.HasPrefix(given, scheme) && len(given) > len(scheme) {
			return Part{Ref: given}, nil
		}
	}
	id, err := s.Images.Named(ctx, s.Owner, strings.TrimPrefix(given, "glance://"))
	if err != nil {
		return Part{}, fault.In(option, err)
	}
	img, err := s.Images.Image(ctx, id)
	if err != nil {
		return Part{}, fault.In(option, err)
	}
	if img.Status != glance.StatusActive {
		return Part{}, fault.New(fault.Conflict, "", "%s: image %s is %s, not active", fault.Option(option), img, img.Status)
	}
	if is := roleOf(img); is != "" && is != role {
		return Part{}, fault.New(fault.Usage, "", "%s: the property %s of image %s is %q", fault.Option(option), RoleKey, img,
			img.Properties[RoleKey])
	}
	return Part{Ref: img.ID, Image: img}, nil
}

func roleOf(img *glance.Image) string {
	if r := img.Properties[RoleKey]; r != ramdiskIs {
		return r
	}
	return Ramdisk
}

// newest is the pair of the newest build. If the newest kernel and the newest ramdisk are of different builds, a
// build is incomplete, and which pair is meant isn't clear.
func (s *Site) newest(ctx context.Context, o PairOptions) (p Pair, err error) {
	images, err := s.Images.Images(ctx, glance.Query{Owner: s.Owner, Status: glance.StatusActive, Properties: o.Properties})
	if err != nil {
		return p, err
	}
	glance.NewestFirst(images)
	first := func(role string) (Part, error) {
		n := slices.IndexFunc(images, func(i *glance.Image) bool { return roleOf(i) == role })
		if n < 0 {
			return Part{}, fault.New(fault.NotFound, fault.Advise("give the images with %s and %s, or their project with %s",
				fault.Option("kernel"), fault.Option("ramdisk"), fault.Option("image_owner")),
				"project %s has no active image whose property %s is %s", s.Owner, RoleKey, role)
		}
		return Part{Ref: images[n].ID, Image: images[n]}, nil
	}
	if p.Kernel, err = first(Kernel); err != nil {
		return p, err
	}
	if p.Ramdisk, err = first(Ramdisk); err != nil {
		return p, err
	}
	for _, part := range []Part{p.Kernel, p.Ramdisk} {
		if part.build() == "" {
			advice := fault.Advise("give the images with %s and %s", fault.Option("kernel"), fault.Option("ramdisk"))
			return p, fault.New(fault.Conflict, advice,
				"image %s doesn't say which build it is of, in one of the properties %s", part, strings.Join(builds, ", "))
		}
	}
	return p, nil
}

// fits is an error if the pair is for another architecture than the node.
func (p *Pair) fits(n *ironic.Node) error {
	want := ironic.Text(n.Properties, "cpu_arch")
	for _, part := range []Part{p.Kernel, p.Ramdisk} {
		if is := part.arch(); is != "" && want != "" && !sameArch(is, want) {
			return fault.New(fault.Conflict, "", "image %s is for %s, node %s is %s", part, is, n, want)
		}
	}
	return nil
}

// sameArch compares two names of an architecture.
func sameArch(a, b string) bool {
	name := func(s string) string {
		s = strings.ToLower(s)
		return cmp.Or(map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[s], s)
	}
	return name(a) == name(b)
}
