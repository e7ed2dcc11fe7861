package baremetal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/guest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// checkServer reads what the options say about the server's own checks. Without Nova there is neither a server's
// address nor its console.
func (o *TestOptions) checkServer() error {
	var errs []error
	if o.Direct && slices.Contains(o.Checks, CheckSSH) {
		errs = append(errs, fault.Bad("check", "", "%s needs a server of Nova, and %s has none", CheckSSH, fault.Option("direct")))
	}
	if o.Console == "" {
		return errors.Join(errs...)
	}
	if o.Direct {
		errs = append(errs, fault.Bad("console", "", "Nova shows the console of its servers, and %s has none", fault.Option("direct")))
	}
	if _, err := regexp.Compile(o.Console); err != nil {
		return errors.Join(append(errs, fault.Bad("console", "give a regular expression", "%w", err))...)
	}
	o.marker = regexp.MustCompile("(?m)" + o.Console)
	o.Checks = append(slices.Clone(o.Checks), checkConsole)
	return errors.Join(errs...)
}

// theServer is the run's server.
func (t *Test) theServer(ctx context.Context) (serverRecord, error) {
	found, err := t.site.servers(ctx, string(t.site.Run))
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "", "the server is gone")
	}
	if err != nil {
		return serverRecord{}, err
	}
	return found[0], nil
}

// checkConsole waits until a line of the server's console matches.
func (t *Test) checkConsole(ctx context.Context) (string, error) {
	s, err := t.theServer(ctx)
	if err != nil {
		return "", err
	}
	line := ""
	err = t.site.Pace.Wait(ctx, "the console", t.o.Deploy, func(ctx context.Context) (bool, error) {
		log, err := nova.Console(ctx, t.site.Compute, s.ID, 0)
		if err != nil {
			return false, fmt.Errorf("reading the console of server %s: %w", s.ID, cloud.Classify(err))
		}
		at := t.o.marker.FindStringIndex(log)
		if at == nil {
			return false, nil
		}
		line = log[strings.LastIndexByte(log[:at[0]], '\n')+1:]
		line, _, _ = strings.Cut(line, "\n")
		return true, nil
	})
	if err != nil {
		return "", fmt.Errorf("no line matches %q: %w", t.o.Console, err)
	}
	return quoted(line), nil
}

// checkSSH waits until an SSH server answers at one of the server's addresses.
func (t *Test) checkSSH(ctx context.Context) (string, error) {
	s, err := t.theServer(ctx)
	if err != nil {
		return "", err
	}
	var banner string
	last := errors.New("the server has no address")
	err = t.site.Pace.Wait(ctx, "SSH", t.o.Deploy, func(ctx context.Context) (bool, error) {
		for _, network := range s.Addresses {
			for _, a := range network {
				last = guest.Try(ctx, guest.Direct, net.JoinHostPort(a.Addr, "22"), func(conn net.Conn) (err error) {
					banner, err = sshBanner(conn)
					return err
				})
				if last == nil {
					return true, nil
				}
			}
		}
		return false, nil
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", err, last)
	}
	return banner, nil
}

// mostBanner is how long the first line of an SSH server is at most.
const mostBanner = 255

// sshBanner is the first line that an SSH server sends.
func sshBanner(conn net.Conn) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(conn, mostBanner)).ReadString('\n')
	switch {
	case !strings.HasPrefix(line, "SSH-") && err != nil:
		return "", fmt.Errorf("the port is open, but no SSH server speaks there: %w", err)
	case !strings.HasPrefix(line, "SSH-"):
		return "", fmt.Errorf("the port is open, but it is no SSH server that speaks there: %s", quoted(line))
	}
	return quoted(line), nil
}

// quoted is a line of a stranger's that is safe to show.
func quoted(line string) string {
	if len(line) > mostBanner {
		line = line[:mostBanner]
	}
	text := strconv.QuoteToGraphic(strings.ToValidUTF8(strings.TrimSpace(line), "?"))
	return text[1 : len(text)-1]
}
