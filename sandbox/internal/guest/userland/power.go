//go:build linux

package userland

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// end asks pid 1 to turn the guest off or to reboot it, which it does when the asking command has returned.
func (p *Proc) end(op string) int { return p.endAfter(0, op) }

func (p *Proc) endAfter(delay time.Duration, op string) int {
	c, err := ask()
	if err != nil {
		return p.Fail(err)
	}
	defer c.Close()
	if err := c.Send(control.Message{Op: op, Grace: delay}); err != nil {
		return p.Fail(err)
	}
	m, _, err := c.Receive()
	if err == nil && m.Op == control.Failed {
		return p.failf("%s", m.Error)
	}
	return 0
}

func off(p *Proc) int {
	if p.Name == "reboot" {
		return p.end(control.Reboot)
	}
	return p.end(control.Poweroff)
}

func shutdown(p *Proc) int {
	f, args, ok := p.options("rPHhckf", "reboot=r", "poweroff=P", "halt=H", "no-wall=k")
	if !ok {
		return 1
	}
	if f.has('c') {
		return p.end(control.Cancel)
	}
	op := control.Poweroff
	if f.has('r') {
		op = control.Reboot
	}
	if len(args) == 0 {
		args = []string{"+1"} // as systemd's
	}
	delay, err := untilShutdown(args[0], time.Now())
	if err != nil {
		return p.Fail(err)
	}
	if delay > 0 {
		fmt.Fprintf(p.Err, "Shutdown scheduled for %s, use 'shutdown -c' to cancel.\n", time.Now().Add(delay).Format(time.UnixDate))
	}
	return p.endAfter(delay, op)
}

// untilShutdown reads "now", "+5" or "5" (minutes) and "23:30".
func untilShutdown(spec string, now time.Time) (time.Duration, error) {
	if spec == "now" {
		return 0, nil
	}
	if minutes, err := strconv.Atoi(strings.TrimPrefix(spec, "+")); err == nil && minutes >= 0 {
		return time.Duration(minutes) * time.Minute, nil
	}
	at, err := time.Parse("15:04", spec)
	if err != nil {
		return 0, fmt.Errorf("failed to parse time specification: %s", spec)
	}
	due := time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, now.Location())
	if due.Before(now) {
		due = due.AddDate(0, 0, 1)
	}
	return due.Sub(now), nil
}
