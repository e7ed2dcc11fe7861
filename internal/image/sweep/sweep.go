// Package sweep finds and removes the leftovers of builds that died before they could clean up.
//
// It only touches objects in the credentials' project that carry the id of one of our runs, in the
// place where that run wrote it. A published image keeps its run id but isn't a leftover: only images
// that still have their staging name are. Each object is read again right before its removal; if it no
// longer belongs to the run, it stays.
package sweep

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Kinds of what a run can leave.
const (
	Server     = "server"
	Port       = "port"
	FloatingIP = "floating-ip"
	Group      = "security-group"
	Volume     = "volume"
	KeyPair    = "keypair"
	Image      = "image" // not yet published, or imported for the build
	Claim      = "claim" // of a name, by a promotion
)

// Kinds are all of them, in the order in which they are shown.
var Kinds = []string{Server, Port, FloatingIP, Group, Volume, KeyPair, Image, Claim}

// Options say what counts as a leftover. The zero value means objects past their run's deadline.
type Options struct {
	// Runs limits the sweep to these runs, which count as dead whatever their deadlines.
	Runs []string

	// OlderThan treats objects of at least this age as leftovers, whatever their deadline.
	OlderThan time.Duration

	// Kinds are the only kinds to look at; none means all.
	Kinds []string

	// At is the time for judging deadlines and ages; default is now.
	At time.Time

	// Timeout limits the removal of each object, including the wait for it; default 5 minutes.
	Timeout time.Duration
}

// unmarkedLife is how long an object with a run id but without a deadline is kept: much longer than the
// default deadline of builds.
const unmarkedLife = 72 * time.Hour

// Validate checks what can be known without asking the cloud. Errors begin with the option's name.
func (o Options) Validate() []error {
	var errs []error
	for _, r := range o.Runs {
		if !cloud.Run(r).Valid() {
			errs = append(errs, fault.Bad("run", fault.Advise("give a run's id, as %s lists them", fault.Do("sweep", "")),
				"%q is not an id", r))
		}
	}
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

// Leftover is one object that a run left.
type Leftover struct {
	Kind     string    `json:"kind"`
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Run      cloud.Run `json:"run"`
	Created  time.Time `json:"created"`  // zero where the service doesn't say
	Deadline time.Time `json:"deadline"` // zero where nothing says
	Why      string    `json:"why"`      // it counts as left behind
	Action   string    `json:"action"`   // "delete", or "release" for what is older than the run

	afterServer bool                            // it can only go when the run's servers are gone
	ours        func(ctx context.Context) error // errKept where it isn't the run's any more
	remove      func(ctx context.Context) error
	gone        func(ctx context.Context) (bool, error) // nil if remove's success says so
}

// What is done to a leftover.
const (
	Delete  = "delete"
	Release = "release"
)

// String names the leftover for people.
func (l *Leftover) String() string {
	if l.Name == "" || l.Name == l.ID {
		return fmt.Sprintf("%s %q", l.Kind, l.ID)
	}
	return fmt.Sprintf("%s %q (%s)", l.Kind, l.Name, l.ID)
}

// age is the time since the leftover was made; ok is false if that isn't known.
func (l *Leftover) age(at time.Time) (age time.Duration, ok bool) {
	return at.Sub(l.Created), !l.Created.IsZero()
}
