package boottest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/guest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// sign is a sign of life. look is called until it is there; last is why it isn't yet. An err means that it never
// comes.
type sign struct {
	what string
	look func(ctx context.Context) (there bool, last, err error)
}

// live waits for all signs of life. A sign that doesn't come in time, or never can, is a Failure.
func (t *trial) live(ctx, within context.Context) error {
	group, all := errgroup.WithContext(within)
	signs := t.signs()
	var pending sync.WaitGroup
	for _, s := range signs {
		pending.Add(1)
		group.Go(func() error {
			defer pending.Done()
			return t.await(all, s)
		})
	}
	watching, stop := context.WithCancel(all)
	defer stop()
	go func() { pending.Wait(); stop() }()
	group.Go(func() error { return t.watch(watching) })
	err := group.Wait()
	switch failure, ok := errors.AsType[*Failure](err); {
	case err == nil:
		t.show(within)
		return nil
	case ctx.Err() != nil:
		return fault.Wrap(fault.Cancelled, "", context.Cause(ctx))
	case ok:
		failure.Console = t.console(ctx)
	}
	return err
}

// show shows the server to those who want to see it.
func (t *trial) show(ctx context.Context) {
	if t.Options.Seen == nil {
		return
	}
	s, _, err := nova.Is(ctx, t.site.Compute, t.server, "ACTIVE")
	if err == nil {
		t.finding.Lock()
		address := t.address
		t.finding.Unlock()
		t.Options.Seen(ctx, s, address)
	}
}

// tardy is how long a look may take that the end of the test cuts short: if it took longer, the cloud doesn't answer. Otherwise
// what the look before it saw counts.
const tardy = 10 * time.Second

// await waits for one sign.
func (t *trial) await(ctx context.Context, s sign) error {
	start := time.Now()
	var last error
	for {
		began := time.Now()
		there, now, err := s.look(ctx)
		if ctx.Err() == nil || time.Since(began) > tardy {
			last = now
		}
		switch {
		case there:
			t.rep.Step("Boot test: %s (%s)", s.what, time.Since(start).Round(100*time.Millisecond))
			return nil
		case ctx.Err() == nil && err != nil:
			return err
		}
		if ctx.Err() != nil || !change.Sleep(ctx, change.Jitter(t.site.Pace.Max)) {
			if !errors.Is(context.Cause(ctx), errTooLong) {
				return context.Cause(ctx)
			}
			if fault.Is(last, fault.Unavailable) {
				return fmt.Errorf("waiting for %s: %w", s.what, last) // the cloud doesn't answer
			}
			if last == nil {
				last = errors.New("no sign of it")
			}
			return &Failure{Err: fmt.Errorf("%s: not there after %s: %w", s.what, t.Options.Timeout, last)}
		}
	}
}

func (t *trial) signs() []sign {
	o := t.Options
	var all []sign
	if o.SSHUser != "" {
		all = append(all, sign{strings.Join(t.sshSigns(), ", "), t.overSSH})
	}
	for _, port := range o.Ports {
		all = append(all, sign{fmt.Sprintf("port %d", port), func(ctx context.Context) (bool, error, error) {
			return t.reach(ctx, port)
		}})
	}
	if o.Console != "" {
		all = append(all, t.onConsole("console "+o.Console, regexp.MustCompile("(?m)"+o.Console)))
	}
	if o.CloudInit && o.SSHUser == "" {
		all = append(all, t.onConsole("cloud-init has ended", cloudInitEnd))
	}
	return all
}

func (t *trial) sshSigns() []string {
	o := t.Options
	o.Ports, o.Console = nil, ""
	return o.Signs()
}

// onConsole is a line of the console.
func (t *trial) onConsole(what string, line *regexp.Regexp) sign {
	return sign{what, func(ctx context.Context) (bool, error, error) {
		log, err := nova.Console(ctx, t.site.Compute, t.server, 0)
		if err != nil {
			return false, fmt.Errorf("reading the console: %w", cloud.Classify(err)), nil
		}
		return line.MatchString(log), nil, nil
	}}
}

// reach connects to a port.
func (t *trial) reach(ctx context.Context, port int) (bool, error, error) {
	address, err := t.reachable(ctx)
	if err != nil {
		return false, err, nil
	}
	err = guest.Try(ctx, guest.Direct, net.JoinHostPort(address, strconv.Itoa(port)), guest.Open)
	return err == nil, err, nil
}

// reachable is the address to connect to: the floating IP, or the server's first address, IPv4 before IPv6.
func (t *trial) reachable(ctx context.Context) (string, error) {
	t.finding.Lock()
	defer t.finding.Unlock()
	if t.address != "" {
		return t.address, nil
	}
	s, _, err := nova.Is(ctx, t.site.Compute, t.server, "ACTIVE")
	if err != nil {
		return "", err
	}
	var order []string
	for _, n := range t.networks {
		order = append(order, n.Name)
	}
	all := nova.Addresses(s, order)
	slices.SortStableFunc(all, func(a, b nova.Address) int {
		switch {
		case a.Six == b.Six:
			return 0
		case a.Six:
			return 1
		}
		return -1
	})
	if len(all) == 0 {
		return "", errors.New("the server has no address")
	}
	t.address = all[0].IP
	return t.address, nil
}

// watch ends the wait early where the server fails, or its console shows that nothing will come any more.
func (t *trial) watch(ctx context.Context) error {
	for change.Sleep(ctx, change.Jitter(t.site.Pace.Max)) {
		s, _, err := nova.Is(ctx, t.site.Compute, t.server, "ACTIVE")
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the wait is over
		case fault.Is(err, fault.Conflict):
			return &Failure{Err: err}
		case fault.Is(err, fault.NotFound):
			return err
		case err != nil:
			continue // the signs are waited for
		case s.Status == "SHUTOFF":
			return &Failure{Err: errors.New("the server has turned itself off")}
		}
		if log := t.console(ctx); ctx.Err() == nil {
			if err := deadLine(log); err != nil {
				return &Failure{Err: err}
			}
		}
	}
	return nil
}
