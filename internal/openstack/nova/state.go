package nova

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Is reports whether a server has one of the statuses and nothing is being done with it. A server that failed
// is an error with Nova's own explanation: fault.Quota, or fault.Conflict. One that somebody deleted is
// fault.NotFound.
func Is(ctx context.Context, sc *gophercloud.ServiceClient, id string, statuses ...string) (*servers.Server, bool, error) {
	s, err := servers.Get(ctx, sc, id).Extract()
	if err != nil {
		return nil, false, cloud.Classify(err)
	}
	switch {
	case slices.Contains(statuses, s.Status):
		return s, s.TaskState == "", nil
	case s.Status == "ERROR" && strings.Contains(strings.ToLower(s.Fault.Message), "quota exceeded"):
		return s, false, fault.New(fault.Quota, "", "server %q failed: %s", id, Explained(s))
	case s.Status == "ERROR":
		return s, false, fault.New(fault.Conflict, "", "server %q failed: %s", id, Explained(s))
	case s.Status == "DELETED" || s.Status == "SOFT_DELETED":
		return s, false, fault.New(fault.NotFound, "", "somebody deleted server %q", id)
	}
	return s, false, nil
}

// Explained is what Nova says about a server that failed.
func Explained(s *servers.Server) string {
	if s.Fault.Message == "" {
		return "status ERROR, and Nova doesn't say why"
	}
	return fmt.Sprintf("%s (%d)", s.Fault.Message, s.Fault.Code)
}

// Console is the end of a server's console log, at most so many lines.
func Console(ctx context.Context, sc *gophercloud.ServiceClient, id string, lines int) (string, error) {
	out, err := servers.ShowConsoleOutput(cloud.Repeatable(ctx), sc, id, servers.ShowConsoleOutputOpts{Length: lines}).Extract()
	return strings.TrimSpace(out), err
}
