package ironic

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// RamdiskKey is the property of a ramdisk's image that says what goes wrong with it.
const RamdiskKey = "sandbox_ramdisk"

// What may go wrong with a ramdisk.
const (
	Silent      = "silent"       // it never calls back
	FailsDeploy = "fails-deploy" // it calls back, and can't write the image
	FailsClean  = "fails-clean"  // it deploys, and then fails to clean
	SilentClean = "silent-clean" // it deploys, and never calls back for cleaning
)

const agentVersion = "9.1.0"

// deploy takes a node from deploying to active or to a failure.
func (s *Service) deploy(n *Node) func(context.Context) {
	return func(ctx context.Context) {
		mishap, err := s.ramdisk(n)
		switch {
		case !s.runsAgent(n):
		case err != nil:
			s.step(ctx, n, Deploying, func() { s.deployFails(n, fmt.Sprintf("Failed to prepare to deploy: %s", err)) })
			return
		case !s.step(ctx, n, Deploying, func() { n.move(s.now(), DeployWait, Active) }):
			return
		case mishap == Silent:
			s.timeout(ctx, n, DeployWait, func() {
				s.deployFails(n, fmt.Sprintf("Timeout reached while waiting for callback for node %s", n.UUID))
			})
			return
		case !s.step(ctx, n, DeployWait, func() { s.heartbeat(n); n.move(s.now(), Deploying, Active) }):
			return
		case mishap == FailsDeploy:
			s.step(ctx, n, Deploying, func() {
				s.deployFails(n, "Deploy step deploy.write_image failed: Error writing image to device: exit code 1")
			})
			return
		}
		s.step(ctx, n, Deploying, func() {
			if n.PowerState != "" && n.DeployInterface != "fake" {
				n.PowerState = "power on"
			}
			n.move(s.now(), Active, "")
		})
	}
}

func (s *Service) deployFails(n *Node, why string) {
	n.LastError = why
	n.move(s.now(), DeployFailed, Active)
}

// tearDown ends an instance, and cleans the node.
func (s *Service) tearDown(n *Node) func(context.Context) {
	return func(ctx context.Context) {
		s.step(ctx, n, Deleting, func() {
			n.InstanceInfo, n.InstanceUUID = map[string]any{}, ""
			if n.PowerState != "" {
				n.PowerState = "power off"
			}
			s.forget(n.AllocationUUID)
			n.AllocationUUID = ""
			s.clean(n)
		})
	}
}

// clean begins cleaning a node, if it is cleaned. The caller holds the lock.
func (s *Service) clean(n *Node) {
	if !n.cleans() {
		n.move(s.now(), Available, "")
		return
	}
	n.move(s.now(), Cleaning, Available)
	s.o.Clock.After(func(ctx context.Context) {
		mishap, err := s.ramdisk(n)
		done := func() { n.move(s.now(), Available, "") }
		switch {
		case !s.runsAgent(n):
		case err != nil:
			done = func() { s.cleanFails(n, fmt.Sprintf("Failed to prepare node %s for cleaning: %s", n.UUID, err)) }
		case !s.step(ctx, n, Cleaning, func() { n.move(s.now(), CleanWait, Available) }):
			return
		case mishap == Silent || mishap == SilentClean:
			s.timeout(ctx, n, CleanWait, func() {
				s.cleanFails(n, "Timeout reached while cleaning the node. Please check if the ramdisk responsible for the cleaning is "+
					"running on the node. Failed on step {}.")
			})
			return
		case !s.step(ctx, n, CleanWait, func() { s.heartbeat(n); n.move(s.now(), Cleaning, Available) }):
			return
		case mishap == FailsClean:
			done = func() { s.cleanFails(n, fmt.Sprintf("Agent returned error for clean step on node %s", n.UUID)) }
		}
		s.step(ctx, n, Cleaning, done)
	})
}

func (s *Service) cleanFails(n *Node, why string) {
	n.LastError, n.Maintenance, n.MaintenanceReason, n.Fault = why, true, why, "clean failure"
	n.move(s.now(), CleanFailed, Available)
}

// timeout changes a node that is still in a state when the ramdisk's time is over.
func (s *Service) timeout(ctx context.Context, n *Node, state string, change func()) {
	s.mu.Lock()
	since := n.MovedAt
	s.mu.Unlock()
	t := time.NewTimer(s.o.CallbackTimeout)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return
	case <-t.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.ProvisionState == state && n.MovedAt.Equal(since) {
		change()
	}
}

func (s *Service) heartbeat(n *Node) {
	n.InternalInfo["agent_version"] = agentVersion
	n.InternalInfo["agent_last_heartbeat"] = s.now().Format("2006-01-02T15:04:05.000000")
}

// runsAgent reports whether the node's deploy interface uses the deploy ramdisk.
func (s *Service) runsAgent(n *Node) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return n.DeployInterface == "direct"
}

// ramdisk is what goes wrong with the node's ramdisk; without one of its own it has the conductor's, which works.
func (s *Service) ramdisk(n *Node) (mishap string, err error) {
	s.mu.Lock()
	kernel, _ := n.DriverInfo["deploy_kernel"].(string)
	ramdisk, _ := n.DriverInfo["deploy_ramdisk"].(string)
	s.mu.Unlock()
	for _, ref := range []string{kernel, ramdisk} {
		id := strings.TrimPrefix(ref, "glance://")
		if ref == "" || strings.Contains(id, "://") {
			continue
		}
		img, ok := s.o.Images.Visible(front.Caller{Roles: []string{"admin", "member", "reader"}}, id)
		if !ok || img.Status != glance.Active {
			return "", fmt.Errorf("Image %s could not be found.", id) //nolint:staticcheck,revive // Ironic's words
		}
		if ref == ramdisk {
			mishap = img.Properties[RamdiskKey]
		}
	}
	return mishap, nil
}
