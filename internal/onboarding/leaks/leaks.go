// Package leaks finds and removes what a CI system has left behind in its project: images that nodepool has forgotten,
// ports and floating IPs that no server has, volumes that servers booted from, and temporary key pairs.
//
// It is about objects that carry no run id of ours; those are for internal/image/sweep. What somebody may have made on
// purpose stays: each kind has marks without which an object is no leak, and each object is read again right before it is
// removed.
package leaks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Kinds of what can be left.
const (
	Image      = "image"
	Port       = "port"
	FloatingIP = "floating-ip"
	Volume     = "volume"
	KeyPair    = "keypair"
)

// Kinds are all of them, in the order in which they are shown.
var Kinds = []string{Image, Port, FloatingIP, Volume, KeyPair}

// DefaultAge is how old something has to be, unless the options say it.
const DefaultAge = 24 * time.Hour

// Options say what counts as a leak.
type Options struct {
	Kinds     []string      // none means all
	OlderThan time.Duration // default: DefaultAge
	At        time.Time     // that ages refer to; default: now

	// DiskImages are the names of the diskimages that nodepool uploads to this cloud. If they are known, all others are
	// aliens. Known says that they are.
	DiskImages []string
	Known      bool
	// Providers are those that upload them. Images of any other provider are left alone, if DiskImages are known.
	Providers []string

	Timeout time.Duration // of one removal; default: 5 minutes
}

// Validate checks what can be known without asking the cloud. Errors begin with the option's name.
func (o Options) Validate() []error {
	var errs []error
	for _, k := range o.Kinds {
		if !slices.Contains(Kinds, k) {
			errs = append(errs, fault.Bad("kind", "use "+strings.Join(Kinds, ", "), "%q is unknown", k))
		}
	}
	if o.OlderThan < 0 {
		errs = append(errs, fault.Bad("older_than", "use a positive time such as 6h", "%s is negative", o.OlderThan))
	}
	return errs
}

// Leak is one object.
type Leak struct {
	Kind, ID, Name string
	Created        time.Time
	Why            string

	still  func(context.Context) (bool, error) // it is still a leak
	remove func(context.Context) error
	gone   func(context.Context) (bool, error) // nil if remove's success says so
}

// String names the object, such as port 5f0c24f0.
func (l *Leak) String() string {
	if l.Name == "" || l.Name == l.ID {
		return fmt.Sprintf("%s %s", l.Kind, l.ID)
	}
	return fmt.Sprintf("%s %q (%s)", l.Kind, l.Name, l.ID)
}
