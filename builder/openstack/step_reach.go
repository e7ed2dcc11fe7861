package openstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/guest"
)

// stepReach finds the address to connect to and waits until it answers. Packer itself only tries every
// five seconds, and doesn't give the reason of a failure.
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
	switch {
	case comm.Type == "ssh" && comm.SSHTimeout > 0:
		return next(state, b.reach(ctx, "SSH", comm.SSHPort, comm.SSHTimeout, guest.Greets))
	case comm.Type == "winrm" && comm.WinRMTimeout > 0 && (comm.WinRMNoProxy || !proxied(b.host)):
		return next(state, b.reach(ctx, "WinRM", comm.WinRMPort, comm.WinRMTimeout, guest.Open))
	}
	return multistep.ActionContinue
}

// reach waits until check succeeds on a connection to the server's port. The error says why the last try
// failed.
func (b *build) reach(ctx context.Context, what string, port int, timeout time.Duration, check func(net.Conn) error) error {
	dial, err := b.dialer()
	if err != nil {
		return err
	}
	b.report.Step("Waiting for %s at %s", what, b.host)
	var last error
	address := net.JoinHostPort(b.host, strconv.Itoa(port))
	err = b.pollNow(ctx, what+" at "+b.host, timeout, func(ctx context.Context) (bool, error) {
		last = guest.Try(ctx, dial, address, check)
		return last == nil, nil
	})
	if err == nil {
		return nil
	}
	if last != nil {
		err = fmt.Errorf("%w: %w", err, last)
	}
	hint := "check security_groups, networks, floating_ip_network and ssh_port; set ssh_timeout to wait longer"
	if what == "WinRM" {
		hint = "check security_groups, networks, floating_ip_network and winrm_port; set winrm_timeout to wait longer"
	}
	return errors.Join(fault.Wrap(fault.KindOf(err), hint, err), b.console(ctx, b.server.ID))
}

// proxied reports whether HTTP to the host goes through a proxy that the environment names.
func proxied(host string) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "http", Host: net.JoinHostPort(host, "5985")}})
	return proxy != nil || err != nil
}

// host is where Packer connects to.
func host(state multistep.StateBag) (string, error) {
	if h := from(state).host; h != "" {
		return h, nil
	}
	return "", errors.New("the server has no address yet")
}

// Cleanup shows the end of the console log if the build failed before it could log in.
func (*stepReach) Cleanup(state multistep.StateBag) {
	b := from(state)
	_, halted := state.GetOk(multistep.StateHalted)
	if _, connected := state.GetOk("communicator"); halted && !connected && b.host != "" && b.server != nil {
		if last := b.console(context.Background(), b.server.ID); last != nil {
			b.report.Warn("%s", last)
		}
	}
}
