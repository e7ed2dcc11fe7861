package ironic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// errNoHost is what Nova says if there is no free node.
var errNoHost = errors.New("No valid host was found. There are not enough hosts available.") //nolint:staticcheck,revive // Nova's words

// Deploy deploys an image on a free node of the resource class for a server of Nova; if ident isn't "", on this
// node. It returns when the node is active. A deployment that fails is taken back, as Nova does.
func (s *Service) Deploy(ctx context.Context, class, ident, server, image string) error {
	n, err := s.claim(class, ident, server, image)
	if err != nil {
		return err
	}
	for {
		s.mu.Lock()
		state, why, gone := n.ProvisionState, n.LastError, n.InstanceUUID != server
		s.mu.Unlock()
		switch {
		case state == Active:
			return nil
		case state == DeployFailed || gone:
			s.Undeploy(ctx, server)
			return fmt.Errorf("Failed to provision instance %s: %s", server, why) //nolint:staticcheck // Nova's words
		}
		if !poll(ctx) {
			return ctx.Err()
		}
	}
}

func (s *Service) claim(class, ident, server, image string) (*Node, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if ident != "" && n.UUID != ident || !strings.EqualFold(n.ResourceClass, class) || n.ProvisionState != Available ||
			n.InstanceUUID != "" || n.Maintenance || n.Reservation != "" {
			continue
		}
		n.InstanceUUID = server
		n.InstanceInfo["image_source"] = image
		return n, s.begin(n, "active")
	}
	return nil, errNoHost
}

// Undeploy ends a server's instance, and returns when its node has none any more. Cleaning goes on.
func (s *Service) Undeploy(ctx context.Context, server string) {
	for {
		s.mu.Lock()
		var found *Node
		for _, n := range s.nodes {
			if n.InstanceUUID == server {
				found = n
			}
		}
		if found != nil && allowed("deleted", found.ProvisionState) {
			_ = s.begin(found, "deleted") // a lock is waited for
		}
		s.mu.Unlock()
		if found == nil || !poll(ctx) {
			return
		}
	}
}

// poll waits a moment; false if the context ends.
func poll(ctx context.Context) bool {
	t := time.NewTimer(2 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
