//go:build linux

package userland

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// systemctl knows the machine's own states; there is no service manager.
func systemctl(p *Proc) int {
	words := slices.DeleteFunc(slices.Clone(p.Args), func(a string) bool { return strings.HasPrefix(a, "-") })
	verb := ""
	if len(words) > 0 {
		verb = words[0]
	}
	switch verb {
	case "poweroff", "halt":
		return p.end(control.Poweroff)
	case "reboot":
		return p.end(control.Reboot)
	case "is-system-running":
		fmt.Fprintln(p.Out, "running")
		return 0
	case "is-active", "is-enabled", "status":
		fmt.Fprintln(p.Out, "inactive")
		return 3
	}
	fmt.Fprintf(p.Err, "systemctl: no service manager in this guest: %s\n", strings.Join(p.Args, " "))
	return 0
}

// cloudInit answers what templates ask of cloud-init, above all "status --wait".
func cloudInit(p *Proc) int {
	if len(p.Args) == 0 || p.Args[0] != "status" {
		if len(p.Args) > 0 && p.Args[0] == "clean" {
			_ = os.RemoveAll("/var/lib/cloud")
		}
		return 0
	}
	finished := func() bool { _, err := os.Stat("/run/cloud-init/result.json"); return err == nil }
	if slices.Contains(p.Args, "--wait") || slices.Contains(p.Args, "-w") {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for !finished() {
			<-tick.C
		}
	}
	if finished() {
		fmt.Fprintln(p.Out, "status: done")
	} else {
		fmt.Fprintln(p.Out, "status: running")
	}
	return 0
}
