package openstack

import (
	"context"
	"errors"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// waitServer waits until the server has one of the statuses and nothing is being done with it.
func (b *build) waitServer(ctx context.Context, id, what string, timeout time.Duration, statuses ...string) (s *servers.Server, err error) {
	err = b.poll(ctx, what, timeout, func(ctx context.Context) (done bool, err error) {
		s, done, err = b.serverIs(ctx, id, statuses...)
		return done, err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// serverIs is nova.Is.
func (b *build) serverIs(ctx context.Context, id string, statuses ...string) (*servers.Server, bool, error) {
	return nova.Is(ctx, b.compute, id, statuses...)
}

// consoleLines is how much of the console's end helps to see what went wrong.
const consoleLines = 20

// console is the end of the server's console log, for an error message; nil if there is none.
func (b *build) console(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	out, err := nova.Console(ctx, b.compute, id, consoleLines)
	if err != nil || out == "" {
		return nil
	}
	return errors.New("the end of the server's console:\n" + out)
}
