package cloud

import (
	"context"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
)

// Pace is how often a service is asked about something.
type Pace change.Pace

// DefaultPace suits waits from milliseconds to minutes.
var DefaultPace = Pace(change.DefaultPace)

// Poll waits at DefaultPace, see Pace.Poll.
func Poll(ctx context.Context, what string, timeout time.Duration, probe func(ctx context.Context) (done bool, err error)) error {
	return DefaultPace.Poll(ctx, what, timeout, probe)
}

// Poll is change.Pace.Wait for a probe whose errors may be gophercloud's.
func (p Pace) Poll(ctx context.Context, what string, timeout time.Duration, probe func(ctx context.Context) (done bool, err error)) error {
	return change.Pace(p).Wait(ctx, what, timeout, func(ctx context.Context) (bool, error) {
		done, err := probe(ctx)
		return done, Classify(err)
	})
}
