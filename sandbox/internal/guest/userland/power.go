//go:build linux

package userland

import (
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// end asks pid 1 to turn the guest off or to reboot it, and waits to be ended with it.
func (p *Proc) end(op string) int {
	c, err := ask()
	if err != nil {
		return p.Fail(err)
	}
	defer c.Close()
	if err := c.Send(control.Message{Op: op}); err != nil {
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
		return 0
	}
	op := control.Poweroff
	if f.has('r') {
		op = control.Reboot
	}
	if len(args) > 0 && args[0] != "now" && args[0] != "+0" {
		minutes := number(strings.TrimPrefix(args[0], "+"))
		if minutes < 0 {
			return p.failf("failed to parse time specification: %s", args[0])
		}
		t := time.NewTimer(time.Duration(minutes) * time.Minute)
		defer t.Stop()
		<-t.C
	}
	return p.end(op)
}
