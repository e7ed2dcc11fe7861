// Package store reads what stores of images offer: Chameleon's, osism's catalogues, distributions'
// folders, simplestreams, other clouds, folders and registries. It trusts nothing that they say: every
// answer is limited in size and time, and a name or property that could do harm is an error of that image.
package store

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Store is a place with images.
type Store interface {
	// Offers are the images that the store wants to be current, each name once. It only reads. An offer
	// that is unusable has a Problem, and doesn't hide the others.
	Offers(ctx context.Context) ([]*Offer, error)
}

// Offer is one image of a store.
type Offer struct {
	Name    string // under which it is to be current
	Release string // which of the images of the name it is
	ID      string // in the store, "" if it has none there
	From    string // the store, for people

	// Distro, Version and Variant say what is in the image, such as ubuntu, 24.04, base; "" if nobody says.
	Distro, Version, Variant string

	// Marks are the properties by which an image shows that it is this one. None means that only the
	// checksum tells.
	Marks map[string]string

	Image      upload.Image
	Source     upload.Source
	Visibility string // "" is that of the image before
	Hidden     bool
	Problem    error

	// More reads the rest about an image that is wanted: properties, size, checksums. It may be nil.
	More func(ctx context.Context) error
}

// Marked reports whether an image shows that it is the one that is offered.
func (o *Offer) Marked(img *glance.Image) bool {
	for k, v := range o.Marks {
		if img.Properties[k] != v {
			return false
		}
	}
	return len(o.Marks) > 0
}

const maxName = 255

// checkName refuses names that do harm where they are shown, used as a path or parsed.
func checkName(name string) error {
	switch {
	case name == "":
		return fault.New(fault.Forbidden, "", "an image without a name")
	case len([]rune(name)) > maxName:
		return fault.New(fault.Forbidden, "", "the name %.40q… is longer than %d characters", name, maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fault.New(fault.Forbidden, "", "the name %q has characters that can't be shown", name)
	}
	return nil
}

// checkSegment also refuses names that lead somewhere else as a part of a path.
func checkSegment(what, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if strings.ContainsAny(name, `/\?#%`) || name == "." || name == ".." {
		return fault.New(fault.Forbidden, "", "the %s %q is no plain name", what, name)
	}
	return nil
}

// own are the keys of properties that only the service and its clients may set.
func checkProperties(properties map[string]string) error {
	if len(properties) > 200 {
		return fault.New(fault.Forbidden, "", "it has %d properties, more than 200", len(properties))
	}
	for _, k := range slices.Sorted(mapKeys(properties)) {
		switch {
		case !propertyKey.MatchString(k):
			return fault.New(fault.Forbidden, "", "its property %q has no usable name", k)
		case glance.Reserved(strings.ToLower(k)) || glance.Attribute(strings.ToLower(k)):
			return fault.New(fault.Forbidden, "", "it sets the property %q, which stores may not", k)
		case len(properties[k]) > glance.MaxProperty:
			return fault.New(fault.Forbidden, "", "its property %q has %d bytes", k, len(properties[k]))
		}
	}
	return nil
}

var propertyKey = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,254}$`)

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// checked completes the offers: what is wrong with an image is noted on it. Of a name that is offered
// several times, none is taken.
func checked(offers []*Offer) []*Offer {
	seen := map[string]*Offer{}
	for _, o := range offers {
		o.Problem = cmp.Or(o.Problem, checkName(o.Name), checkProperties(o.Image.Properties))
		if other := seen[o.Name]; other != nil {
			o.Problem = cmp.Or(o.Problem, fault.New(fault.Ambiguous, "", "%s offers the name twice", o.From))
			other.Problem = cmp.Or(other.Problem, o.Problem)
		}
		seen[o.Name] = o
	}
	slices.SortStableFunc(offers, func(a, b *Offer) int { return cmp.Compare(a.Name, b.Name) })
	return offers
}
