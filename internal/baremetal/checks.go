package baremetal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// The checks of an active node.
const (
	CheckPower = "power" // it is powered on
	CheckError = "error" // its last_error is empty
	CheckAgent = "agent" // the ramdisk's agent has called back since the test began, and said its version
	CheckSSH   = "ssh"   // an SSH server answers at the server's address

	checkConsole = "console" // a line of the server's console matches; chosen by the option of its own
)

// DefaultChecks are those that apply to each node.
var DefaultChecks = []string{CheckPower, CheckError, CheckAgent}

// Checks are the names of all checks.
var Checks = []string{CheckPower, CheckError, CheckAgent, CheckSSH}

func checkNames(names []string) error {
	for _, name := range names {
		if !slices.Contains(Checks, name) {
			return fault.Bad("check", "use "+strings.Join(Checks, ", "), "%q is unknown", name)
		}
	}
	return nil
}

// check looks at the active node.
func (t *Test) check(ctx context.Context) (string, error) {
	n, err := t.site.Nodes.Node(ctx, t.node.ID)
	if err != nil {
		return "", err
	}
	var said []string
	for _, name := range t.o.Checks {
		detail, err := t.checkOne(ctx, name, n)
		if err != nil {
			return "", fault.New(fault.KindOf(err), "", "%s: %w", name, err)
		}
		said = append(said, strings.TrimSpace(name+" "+detail))
	}
	return strings.Join(said, ", "), nil
}

func (t *Test) checkOne(ctx context.Context, name string, n *ironic.Node) (string, error) {
	switch name {
	case CheckPower:
		if n.PowerState == "" {
			return "unknown", nil // some drivers can't tell
		}
		if n.DeployWith == "fake" {
			return "skipped (the deploy interface fake leaves it as it is)", nil
		}
		if n.PowerState != "power on" {
			return "", fmt.Errorf("the node's power state is %q", n.PowerState)
		}
	case CheckError:
		if n.LastError != "" {
			return "", fmt.Errorf("the node's last error is %q", n.LastError)
		}
	case CheckAgent:
		return t.checkAgent(n)
	case CheckSSH:
		return t.checkSSH(ctx)
	case checkConsole:
		return t.checkConsole(ctx)
	}
	return "", nil
}

// agentless are deploy interfaces that don't run the deploy ramdisk's agent.
var agentless = []string{"fake", "ramdisk"}

func (t *Test) checkAgent(n *ironic.Node) (string, error) {
	if slices.Contains(agentless, n.DeployWith) {
		return fmt.Sprintf("skipped (the deploy interface %s runs none)", n.DeployWith), nil
	}
	beat := ironic.Text(n.InternalInfo, "agent_last_heartbeat")
	version := ironic.Text(n.InternalInfo, "agent_version")
	switch {
	case beat == "" || beat == ironic.Text(t.baseline.InternalInfo, "agent_last_heartbeat"):
		return "", fmt.Errorf("no agent has called back since the test began")
	case version == "":
		return "", fmt.Errorf("the agent hasn't said its version")
	}
	return version, nil
}
