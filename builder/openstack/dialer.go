package openstack

import (
	"context"
	"fmt"
	"net"
	"strconv"

	sdkssh "github.com/hashicorp/packer-plugin-sdk/communicator/ssh"
	"github.com/hashicorp/packer-plugin-sdk/pathing"
	agentssh "github.com/hashicorp/packer-plugin-sdk/sdk-internals/communicator/ssh"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/net/proxy"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/guest"
)

// dialer connects in the way that the communicator will: directly, or through the bastion or the proxy that the
// template names.
func (b *build) dialer() (guest.Dialer, error) {
	comm := &b.config.Comm
	switch {
	case comm.Type == "ssh" && comm.SSHBastionHost != "":
		return b.throughBastion()
	case comm.Type == "ssh" && comm.SSHProxyHost != "":
		return b.throughProxy()
	}
	return guest.Direct, nil
}

func (b *build) throughProxy() (guest.Dialer, error) {
	comm := &b.config.Comm
	var auth *proxy.Auth
	if comm.SSHProxyUsername != "" {
		auth = &proxy.Auth{User: comm.SSHProxyUsername, Password: comm.SSHProxyPassword}
	}
	socks, err := proxy.SOCKS5("tcp", b.proxyAddress(), auth, &net.Dialer{Timeout: guest.Patience})
	if err != nil {
		return nil, fmt.Errorf("ssh_proxy_host: %w", err)
	}
	return func(ctx context.Context, address string) (net.Conn, error) {
		return socks.(proxy.ContextDialer).DialContext(ctx, "tcp", address)
	}, nil
}

func (b *build) throughBastion() (guest.Dialer, error) {
	config, err := b.bastionConfig()
	if err != nil {
		return nil, fmt.Errorf("ssh_bastion_host: %w", err)
	}
	return func(ctx context.Context, address string) (net.Conn, error) {
		client, err := bastion(ctx, b.bastionAddress(), config)
		if err != nil {
			return nil, err
		}
		conn, err := client.DialContext(ctx, "tcp", address)
		if err != nil {
			client.Close()
			return nil, fmt.Errorf("the bastion can't reach it: %w", err)
		}
		return throughClient{conn, client}, nil
	}, nil
}

// bastion logs in to the bastion.
func bastion(ctx context.Context, address string, config *ssh.ClientConfig) (*ssh.Client, error) {
	conn, err := guest.Direct(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("connecting to bastion %s: %w", address, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("logging in to bastion %s: %w", address, err)
	}
	return ssh.NewClient(c, channels, requests), nil
}

// throughClient is a connection that also closes the bastion's when it is closed.
type throughClient struct {
	net.Conn
	client *ssh.Client
}

func (t throughClient) Close() error {
	t.Conn.Close()
	return t.client.Close()
}

// bastionConfig repeats how the SDK logs in to a bastion, because the SDK doesn't export it.
func (b *build) bastionConfig() (*ssh.ClientConfig, error) {
	comm := &b.config.Comm
	// As the SDK's communicator: a template names no bastion's host key.
	anyHost := ssh.InsecureIgnoreHostKey() // #nosec G106
	config := &ssh.ClientConfig{User: comm.SSHBastionUsername, HostKeyCallback: anyHost, Timeout: guest.Patience}
	if comm.SSHBastionPassword != "" {
		config.Auth = append(config.Auth, ssh.Password(comm.SSHBastionPassword),
			ssh.KeyboardInteractive(agentssh.PasswordKeyboardInteractive(comm.SSHBastionPassword)))
	}
	if comm.SSHBastionPrivateKeyFile != "" {
		signer, err := keySigner(comm.SSHBastionPrivateKeyFile, comm.SSHBastionCertificateFile)
		if err != nil {
			return nil, err
		}
		config.Auth = append(config.Auth, ssh.PublicKeys(signer))
	}
	if comm.SSHBastionAgentAuth {
		conn, err := agentssh.GetSSHAgentConnection()
		if err != nil {
			return nil, err
		}
		config.Auth = append(config.Auth, ssh.PublicKeysCallback(agent.NewClient(conn).Signers))
	}
	return config, nil
}

func keySigner(key, certificate string) (ssh.Signer, error) {
	key, err := pathing.ExpandUser(key)
	if err != nil {
		return nil, err
	}
	if certificate == "" {
		return sdkssh.FileSigner(key)
	}
	if certificate, err = pathing.ExpandUser(certificate); err != nil {
		return nil, err
	}
	return sdkssh.FileSignerWithCert(key, certificate)
}

func (b *build) bastionAddress() string {
	return net.JoinHostPort(b.config.Comm.SSHBastionHost, strconv.Itoa(b.config.Comm.SSHBastionPort))
}

func (b *build) proxyAddress() string {
	return net.JoinHostPort(b.config.Comm.SSHProxyHost, strconv.Itoa(b.config.Comm.SSHProxyPort))
}
