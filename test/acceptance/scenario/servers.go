package scenario

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"golang.org/x/crypto/ssh"
)

// guest boots a server of an image, runs a command in it by SSH, prints what that prints, and
// deletes the server.
func guest(ctx context.Context, s script, out io.Writer, args []string) error {
	if len(args) < 3 {
		return errUsage
	}
	c, err := s.as(args[0])
	if err != nil {
		return err
	}
	i, err := c.image(ctx, args[1])
	if err != nil {
		return err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return err
	}
	name := "guest-" + s.run
	public := string(ssh.MarshalAuthorizedKey(key.PublicKey()))
	if _, err := keypairs.Create(ctx, c.compute, keypairs.CreateOpts{Name: name, PublicKey: public}).Extract(); err != nil {
		return err
	}
	defer keypairs.Delete(context.WithoutCancel(ctx), c.compute, name, nil)
	server, err := c.boot(ctx, name, i.ID, s.ts.Getenv("FLAVOR"), s.ts.Getenv("NETWORK"))
	if err != nil {
		return err
	}
	defer func() {
		servers.Delete(context.WithoutCancel(ctx), c.compute, server)
		_ = poll(context.WithoutCancel(ctx), time.Minute, "the server's end", func() (bool, error) {
			return servers.Get(ctx, c.compute, server).Err != nil, nil
		})
	}()
	address, err := c.address(ctx, server)
	if err != nil {
		return err
	}
	text, err := remote(ctx, net.JoinHostPort(address, s.ts.Getenv("SSH_PORT")), key, strings.Join(args[2:], " "))
	fmt.Fprint(out, text)
	if err != nil {
		console, _ := servers.ShowConsoleOutput(ctx, c.compute, server, servers.ShowConsoleOutputOpts{Length: 30}).Extract()
		return fmt.Errorf("%w\n%s", err, console)
	}
	return nil
}

// boot gives the server's id when it is active.
func (c *connection) boot(ctx context.Context, name, image, flavor, network string) (string, error) {
	flavorID, err := flavorID(ctx, c, flavor)
	if err != nil {
		return "", err
	}
	pages, err := networks.List(c.network, networks.ListOpts{Name: network}).AllPages(ctx)
	if err != nil {
		return "", err
	}
	nets, err := networks.ExtractNetworks(pages)
	if err != nil || len(nets) != 1 {
		return "", errors.Join(err, fmt.Errorf("%d networks are called %q", len(nets), network))
	}
	yes := true
	made, err := servers.Create(ctx, c.compute, keypairs.CreateOptsExt{
		CreateOptsBuilder: servers.CreateOpts{
			Name: name, ImageRef: image, FlavorRef: flavorID, ConfigDrive: &yes, Networks: []servers.Network{{UUID: nets[0].ID}},
		},
		KeyName: name,
	}, nil).Extract()
	if err != nil {
		return "", err
	}
	return made.ID, poll(ctx, 3*time.Minute, "server "+name, func() (bool, error) {
		got, err := servers.Get(ctx, c.compute, made.ID).Extract()
		if err == nil && got.Status == "ERROR" {
			err = fmt.Errorf("server %s: %s", name, got.Fault.Message)
		}
		return err == nil && got.Status == "ACTIVE", err
	})
}

func flavorID(ctx context.Context, c *connection, name string) (string, error) {
	pages, err := flavors.ListDetail(c.compute, nil).AllPages(ctx)
	if err != nil {
		return "", err
	}
	found, err := flavors.ExtractFlavors(pages)
	if err != nil {
		return "", err
	}
	for _, f := range found {
		if f.Name == name {
			return f.ID, nil
		}
	}
	return "", fmt.Errorf("no flavor is called %q", name)
}

func (c *connection) address(ctx context.Context, server string) (string, error) {
	pages, err := servers.ListAddresses(c.compute, server).AllPages(ctx)
	if err != nil {
		return "", err
	}
	nets, err := servers.ExtractAddresses(pages)
	if err != nil {
		return "", err
	}
	for _, addresses := range nets {
		for _, a := range addresses {
			return a.Address, nil
		}
	}
	return "", fmt.Errorf("server %s has no address", server)
}

// remote runs a command on a server that may still be booting.
func remote(ctx context.Context, address string, key ssh.Signer, command string) (string, error) {
	how := &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, Timeout: 10 * time.Second,
		HostKeyCallback:   ssh.InsecureIgnoreHostKey(),  //nolint:gosec // the server is new, and on this machine
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, // dropbear hangs up on who prefers a key that it lacks
	}
	var client *ssh.Client
	var last error
	err := poll(ctx, 2*time.Minute, "SSH at "+address, func() (bool, error) {
		client, last = ssh.Dial("tcp", address, how)
		return last == nil, nil
	})
	if err != nil {
		return "", errors.Join(err, last)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	text, err := session.CombinedOutput(command)
	return string(text), err
}

// booting waits until a server that carries the run in its name is there.
func booting(ctx context.Context, s script, _ io.Writer, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	c, err := s.as(args[0])
	if err != nil {
		return err
	}
	return poll(ctx, 2*time.Minute, "a server of this run", func() (bool, error) {
		pages, err := servers.List(c.compute, servers.ListOpts{Name: s.run}).AllPages(ctx)
		if err != nil {
			return false, err
		}
		empty, err := pages.IsEmpty()
		return !empty, err
	})
}

// left prints what of a build is in a person's project: servers, key pairs, floating IPs, volumes
// and servers' ports. It gives what is on its way out a moment, so a script says `! left demo`
// for nothing.
func left(ctx context.Context, s script, out io.Writer, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	c, err := s.as(args[0])
	if err != nil {
		return err
	}
	var found []string
	err = poll(ctx, 20*time.Second, "nothing to be left", func() (bool, error) {
		var err error
		found, err = c.leftovers(ctx)
		return len(found) == 0, err
	})
	for _, line := range found {
		fmt.Fprintln(out, line)
	}
	switch {
	case len(found) > 0:
		return nil
	case err != nil:
		return err
	}
	return errors.New("nothing is left")
}

func (c *connection) leftovers(ctx context.Context) (found []string, err error) {
	pages, err := servers.List(c.compute, nil).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	all, err := servers.ExtractServers(pages)
	for _, s := range all {
		found = append(found, "server "+s.Name+" "+s.Status)
	}
	if err != nil {
		return nil, err
	}
	if pages, err = keypairs.List(c.compute, nil).AllPages(ctx); err != nil {
		return nil, err
	}
	keys, err := keypairs.ExtractKeyPairs(pages)
	for _, k := range keys {
		found = append(found, "key pair "+k.Name)
	}
	if err != nil {
		return nil, err
	}
	network, err := c.networkLeftovers(ctx)
	if err != nil || c.volume == nil {
		return slices.Concat(found, network), err
	}
	if pages, err = volumes.List(c.volume, nil).AllPages(ctx); err != nil {
		return nil, err
	}
	vols, err := volumes.ExtractVolumes(pages)
	for _, v := range vols {
		found = append(found, "volume "+v.Name+" "+v.Status)
	}
	return slices.Concat(found, network), err
}

func (c *connection) networkLeftovers(ctx context.Context) (found []string, err error) {
	pages, err := floatingips.List(c.network, floatingips.ListOpts{ProjectID: c.project}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	ips, err := floatingips.ExtractFloatingIPs(pages)
	for _, ip := range ips {
		found = append(found, "floating IP "+ip.FloatingIP)
	}
	if err != nil {
		return nil, err
	}
	if pages, err = ports.List(c.network, ports.ListOpts{ProjectID: c.project}).AllPages(ctx); err != nil {
		return nil, err
	}
	all, err := ports.ExtractPorts(pages)
	for _, p := range all {
		if !strings.HasPrefix(p.DeviceOwner, "network:") {
			found = append(found, "port "+p.ID+" "+p.DeviceOwner)
		}
	}
	return found, err
}
