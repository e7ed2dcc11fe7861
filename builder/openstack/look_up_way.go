package openstack

import (
	"context"
	"errors"
	"fmt"
	"net"

	agentssh "github.com/hashicorp/packer-plugin-sdk/sdk-internals/communicator/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/guest"
)

// lookUpWay checks what the connection needs apart from the server: the SSH agent, the bastion and the
// proxy. Packer itself would retry until ssh_timeout without giving the reason.
func lookUpWay(ctx context.Context, b *build) error {
	comm := &b.config.Comm
	if comm.Type != "ssh" {
		return nil
	}
	for _, a := range []struct {
		option string
		used   bool
	}{{"ssh_agent_auth", comm.SSHAgentAuth}, {"ssh_bastion_agent_auth", comm.SSHBastionAgentAuth && comm.SSHBastionHost != ""}} {
		if !a.used {
			continue
		}
		if err := agentThere(); err != nil {
			return fault.Wrap(fault.Usage, "start an SSH agent (eval $(ssh-agent)) and add the key, or name the key's file",
				fmt.Errorf("%s: there is no SSH agent to ask: %w", a.option, err))
		}
	}
	switch {
	case comm.SSHBastionHost != "":
		return b.tryBastion(ctx)
	case comm.SSHProxyHost != "":
		return soon(ctx, "ssh_proxy_host: connecting to the proxy", func(ctx context.Context) error {
			conn, err := guest.Direct(ctx, b.proxyAddress())
			if err == nil {
				conn.Close()
			}
			return err
		})
	}
	return nil
}

// agentThere checks that the SSH agent answers and has a key.
func agentThere() error {
	conn, err := agentssh.GetSSHAgentConnection()
	if err != nil {
		return err
	}
	defer conn.Close()
	keys, err := agent.NewClient(conn).List()
	if err == nil && len(keys) == 0 {
		err = errors.New("it has no keys")
	}
	return err
}

func (b *build) tryBastion(ctx context.Context) error {
	config, err := b.bastionConfig()
	if err != nil {
		return fmt.Errorf("ssh_bastion_host: %w", err)
	}
	return soon(ctx, "ssh_bastion_host", func(ctx context.Context) error {
		if b.config.Comm.SSHBastionInteractive { // a person logs in, and only once
			conn, err := guest.Direct(ctx, b.bastionAddress())
			if err == nil {
				conn.Close()
			}
			return err
		}
		client, err := bastion(ctx, b.bastionAddress(), config)
		if err == nil {
			client.Close()
		}
		return err
	})
}

// soon tries a few times, in case the other side is busy, but doesn't wait for one that doesn't exist.
func soon(ctx context.Context, what string, do func(context.Context) error) error {
	var last error
	err := cloud.DefaultPace.Poll(ctx, what, guest.Patience, func(ctx context.Context) (bool, error) {
		last = do(ctx)
		var op *net.OpError
		return last == nil || !errors.As(last, &op), nil
	})
	if last != nil {
		return fault.Wrap(fault.Unavailable, "check the address, its port and the credentials", fmt.Errorf("%s: %w", what, last))
	}
	return err
}
