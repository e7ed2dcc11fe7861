package openstack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
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

// serverIs reports whether the server has one of the statuses and nothing is being done with it.
// A server that failed is an error with Nova's own explanation.
func (b *build) serverIs(ctx context.Context, id string, statuses ...string) (*servers.Server, bool, error) {
	s, err := servers.Get(ctx, b.compute, id).Extract()
	if err != nil {
		return nil, false, cloud.Classify(err)
	}
	switch {
	case slices.Contains(statuses, s.Status):
		return s, s.TaskState == "", nil
	case s.Status == "ERROR" && strings.Contains(strings.ToLower(s.Fault.Message), "quota exceeded"):
		return s, false, fault.New(fault.Quota, "", "server %q failed: %s", id, explained(s))
	case s.Status == "ERROR":
		return s, false, fault.New(fault.Conflict, "", "server %q failed: %s", id, explained(s))
	case s.Status == "DELETED" || s.Status == "SOFT_DELETED":
		return s, false, fault.New(fault.NotFound, "", "somebody deleted server %q", id)
	}
	return s, false, nil
}

func explained(s *servers.Server) string {
	if s.Fault.Message == "" {
		return "status ERROR, and Nova doesn't say why"
	}
	return fmt.Sprintf("%s (%d)", s.Fault.Message, s.Fault.Code)
}

// consoleLines is how much of the console's end helps to see what went wrong.
const consoleLines = 20

// console is the end of the server's console log, for an error message; nil if there is none.
func (b *build) console(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	out, err := servers.ShowConsoleOutput(cloud.Repeatable(ctx), b.compute, id,
		servers.ShowConsoleOutputOpts{Length: consoleLines}).Extract()
	if err != nil || strings.TrimSpace(out) == "" {
		return nil
	}
	return errors.New("the end of the server's console:\n" + strings.TrimSpace(out))
}
