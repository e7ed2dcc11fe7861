package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

const (
	serverName = "demo-check"
	patience   = 3 * time.Minute
	look       = "cat /srv/www/index.html /etc/image-release"
	provision  = "This page came with the image." // what the file provisioner brought
)

// boot starts a server of the image, looks inside with SSH, and deletes the server.
func boot(ctx context.Context, out io.Writer, c *cloud.Cloud, image string) error {
	compute, err := c.Compute()
	if err != nil {
		return err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return err
	}
	server, err := start(ctx, compute, image, signer)
	defer func() {
		servers.Delete(context.WithoutCancel(ctx), compute, server)
		keypairs.Delete(context.WithoutCancel(ctx), compute, serverName, nil)
	}()
	if err != nil {
		return fmt.Errorf("booting image %q: %w", image, err)
	}
	address, err := address(ctx, compute, server)
	if err != nil {
		return err
	}
	text, err := remote(ctx, address, signer, look)
	if err != nil {
		return fmt.Errorf("looking into server %q with SSH at %s: %w", serverName, address, err)
	}
	fmt.Fprintf(out, "root@%s# %s\n%s", address, look, text)
	if !strings.Contains(text, provision) {
		return errors.New("the server does not show what the provisioner wrote")
	}
	return nil
}

// start gives the server's id as soon as it has one.
func start(ctx context.Context, compute *gophercloud.ServiceClient, image string, key ssh.Signer) (id string, err error) {
	public := string(ssh.MarshalAuthorizedKey(key.PublicKey()))
	if _, err := keypairs.Create(ctx, compute, keypairs.CreateOpts{Name: serverName, PublicKey: public}).Extract(); err != nil {
		return "", err
	}
	pages, err := flavors.ListDetail(compute, nil).AllPages(ctx)
	if err != nil {
		return "", err
	}
	all, err := flavors.ExtractFlavors(pages)
	if err != nil || len(all) == 0 {
		return "", fmt.Errorf("listing flavors: %d found: %w", len(all), err)
	}
	server, err := servers.Create(ctx, compute, keypairs.CreateOptsExt{
		CreateOptsBuilder: servers.CreateOpts{Name: serverName, ImageRef: image, FlavorRef: all[0].ID},
		KeyName:           serverName,
	}, nil).Extract()
	if err != nil {
		return "", err
	}
	return server.ID, cloud.Poll(ctx, "server "+serverName, patience, func(ctx context.Context) (bool, error) {
		s, err := servers.Get(ctx, compute, server.ID).Extract()
		if err != nil {
			return false, err
		}
		if s.Status == "ERROR" {
			return false, fmt.Errorf("server is in ERROR: %s", s.Fault.Message)
		}
		return s.Status == "ACTIVE", nil
	})
}

// address is the server's first one.
func address(ctx context.Context, compute *gophercloud.ServiceClient, server string) (string, error) {
	pages, err := servers.ListAddresses(compute, server).AllPages(ctx)
	if err != nil {
		return "", err
	}
	networks, err := servers.ExtractAddresses(pages)
	if err != nil {
		return "", err
	}
	for _, addresses := range networks {
		for _, a := range addresses {
			return a.Address, nil
		}
	}
	return "", fmt.Errorf("server %q has no address", server)
}

// remote runs a command on a server that may still be booting.
func remote(ctx context.Context, address string, key ssh.Signer, command string) (text string, err error) {
	config := &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, Timeout: patience,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // the server is new, and on this machine
	}
	var client *ssh.Client
	err = cloud.Poll(ctx, "SSH at "+address, patience, func(context.Context) (bool, error) {
		client, err = ssh.Dial("tcp", net.JoinHostPort(address, "22"), config)
		return err == nil, nil
	})
	if err != nil {
		return "", err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	output, err := session.CombinedOutput(command)
	return string(output), err
}
