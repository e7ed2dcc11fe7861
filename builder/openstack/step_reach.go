package openstack

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// stepReach finds the address to connect to and waits until something answers there. Packer's
// own connecting looks every five seconds only.
type stepReach struct{}

func (*stepReach) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	comm := &b.config.Comm
	if comm.Type == "none" {
		return multistep.ActionContinue
	}
	if err := b.findHost(ctx); err != nil {
		return next(state, err)
	}
	if comm.Type != "ssh" || comm.SSHBastionHost != "" || comm.SSHProxyHost != "" || comm.SSHTimeout == 0 {
		return multistep.ActionContinue
	}
	b.report.Step("Waiting for SSH at %s", b.host)
	err := b.config.pace().Poll(ctx, "SSH at "+b.host, comm.SSHTimeout, func(ctx context.Context) (bool, error) {
		return greets(ctx, net.JoinHostPort(b.host, strconv.Itoa(comm.SSHPort))), nil
	})
	if err != nil {
		hint := "check security_groups, networks, floating_ip_network and ssh_port; ssh_timeout says how long to wait"
		return next(state, errors.Join(fault.Wrap(fault.KindOf(err), hint, err), b.console(ctx, b.server.ID)))
	}
	return multistep.ActionContinue
}

// findHost waits until the server has an address of the kind that is asked for.
func (b *build) findHost(ctx context.Context) error {
	if b.host = b.config.Comm.Host(); b.host != "" {
		return nil
	}
	err := b.config.pace().Poll(ctx, "server's address", b.config.ServerTimeout, func(ctx context.Context) (bool, error) {
		if b.host = b.address(); b.host != "" {
			return true, nil
		}
		s, err := servers.Get(ctx, b.compute, b.server.ID).Extract()
		if err != nil {
			return false, cloud.Classify(err)
		}
		b.server = s
		return false, nil
	})
	if err != nil {
		return fault.Wrap(fault.KindOf(err), "check ssh_interface, ssh_ip_version and networks", err)
	}
	return nil
}

// greets reports whether an SSH server speaks at the address: a port that is open early, as one
// behind a balancer, says nothing.
func greets(ctx context.Context, address string) bool {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return false
	}
	first := make([]byte, 4)
	n, err := conn.Read(first)
	return err == nil && n > 0 && first[0] == 'S'
}

// host is where Packer connects to.
func host(state multistep.StateBag) (string, error) {
	if h := from(state).host; h != "" {
		return h, nil
	}
	return "", errors.New("the server has no address yet")
}

// Cleanup shows the console's end where the build failed before anybody was let in.
func (*stepReach) Cleanup(state multistep.StateBag) {
	b := from(state)
	_, halted := state.GetOk(multistep.StateHalted)
	if _, connected := state.GetOk("communicator"); halted && !connected && b.host != "" && b.server != nil {
		if last := b.console(context.Background(), b.server.ID); last != nil {
			b.report.Warn("%s", last)
		}
	}
}
