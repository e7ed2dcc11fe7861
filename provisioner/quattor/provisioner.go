// Package quattor is Packer's door to internal/aquilon/quattor: the provisioner openstack-quattor.
package quattor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/quattor"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Provisioner gives the machine its Aquilon personality.
type Provisioner struct{ config Config }

// ConfigSpec describes the block's options to Packer.
func (p *Provisioner) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Prepare reads and checks the options. It makes no request.
func (p *Provisioner) Prepare(raws ...any) error { return p.config.decode(raws...) }

// Provision configures the machine. The builder tells its address and server id.
func (p *Provisioner) Provision(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, generated map[string]any) error {
	site := quattor.Guest{
		Machine:  machine{comm},
		Address:  text(generated, "Host"),
		ServerID: text(generated, "ServerID"),
		Compute:  p.compute,
		Resolver: p.config.resolver(),
	}
	result, err := quattor.Apply(ctx, site, p.config.options(), report.Packer(ui))
	if err != nil {
		return report.ForPacker(err)
	}
	ui.Say(fmt.Sprintf("The machine has the profile %s", result.Profile))
	return nil
}

// text is a variable of the builder, "" if the builder doesn't set it.
func text(generated map[string]any, name string) string {
	value, _ := generated[name].(string)
	return value
}

// compute connects with the provisioner's own credentials.
func (p *Provisioner) compute(ctx context.Context) (*gophercloud.ServiceClient, error) {
	c, err := cloud.Connect(ctx, p.config.Access)
	if err != nil {
		return nil, err
	}
	return c.Compute()
}

func (c *Config) resolver() *net.Resolver {
	if c.DNSServer == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		address, err := c.dnsAddress()
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

// machine runs commands by Packer's communicator.
type machine struct{ comm packersdk.Communicator }

func (m machine) Run(ctx context.Context, command string, line func(string)) (int, error) {
	news := &news{line: line}
	out, errs := &lines{to: news.say}, &lines{to: news.say}
	cmd := &packersdk.RemoteCmd{Command: command, Stdin: new(bytes.Buffer), Stdout: out, Stderr: errs}
	if err := m.comm.Start(ctx, cmd); err != nil {
		return 0, fmt.Errorf("starting a command on the machine: %w", err)
	}
	done := make(chan int, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-ctx.Done():
		news.end()
		return 0, context.Cause(ctx)
	case status := <-done:
		out.flush()
		errs.flush()
		if status == packersdk.CmdDisconnect {
			return 0, errors.New("the connection to the machine was lost while a command was running")
		}
		return status, nil
	}
}

// news passes on lines, one at a time, until it is closed.
type news struct {
	mu    sync.Mutex
	line  func(string)
	ended bool
}

func (n *news) say(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ended {
		n.line(text)
	}
}

func (n *news) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
}

// lines splits what is written into lines.
type lines struct {
	to   func(string)
	mu   sync.Mutex
	rest []byte
}

// maxLine is the length beyond which a line is shown in pieces.
const maxLine = 64 << 10

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		at := bytes.IndexByte(l.rest, '\n')
		if at < 0 && len(l.rest) > maxLine {
			at = maxLine
		}
		if at < 0 {
			return len(p), nil
		}
		l.to(string(l.rest[:at]))
		l.rest = bytes.TrimPrefix(l.rest[at:], []byte("\n"))
	}
}

// flush passes on the last line, which has no line end.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.to(string(l.rest))
	}
	l.rest = nil
}
