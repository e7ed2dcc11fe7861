//go:build linux

package agent

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// heedSignals keeps a guest's own root from ending pid 1 with a signal, as the kernel does for an init without
// handlers, which a Go program isn't. The ones by which busybox asks its init for the end are heeded.
func (a *agent) heedSignals() {
	asks := map[os.Signal]string{syscall.SIGUSR1: control.Poweroff, syscall.SIGUSR2: control.Poweroff, syscall.SIGTERM: control.Reboot}
	heeded := make(chan os.Signal, 1)
	var ignored []os.Signal
	for n := 1; n < 65; n++ {
		switch s := syscall.Signal(n); s {
		case syscall.SIGCHLD, syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGURG, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE,
			syscall.SIGPROF:
		default:
			if asks[s] != "" {
				signal.Notify(heeded, s)
				continue
			}
			ignored = append(ignored, s)
		}
	}
	signal.Ignore(ignored...)
	go func() {
		for s := range heeded {
			go a.leave(asks[s])
		}
	}()
}

// initctl is where the programs of distributions ask an init that isn't systemd for another runlevel.
const initctl = "/run/initctl"

// serveInitctl heeds requests for the runlevels 0 and 6, which are how telinit, and systemctl without systemd, ask for
// the end.
func (a *agent) serveInitctl() error {
	if err := unix.Mkfifo(initctl, 0o600); err != nil {
		return fmt.Errorf("making %s: %w", initctl, err)
	}
	f, err := os.OpenFile(initctl, os.O_RDWR, 0) // for writing as well: so there is no end of it
	if err != nil {
		return fmt.Errorf("opening %s: %w", initctl, err)
	}
	go func() {
		const magic, changeLevel = 0x03091969, 1
		for request := make([]byte, 384); ; {
			if _, err := io.ReadFull(f, request); err != nil {
				return
			}
			word := func(n int) uint32 { return binary.NativeEndian.Uint32(request[4*n:]) }
			if word(0) != magic || word(1) != changeLevel {
				continue
			}
			switch word(2) {
			case '0':
				go a.leave(control.Poweroff)
			case '6':
				go a.leave(control.Reboot)
			}
		}
	}()
	return nil
}

// sessionCount is how many commands of SSH clients run.
type sessionCount struct{ atomic.Int64 }

// settle waits until the commands that asked for the end have returned, as they do on a machine that takes its time
// to go down; those that stay don't hold it up.
func (n *sessionCount) settle() {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(5 * time.Second); n.Load() > 0 && time.Now().Before(deadline); {
		<-tick.C
	}
}

// leaveAfter schedules the guest's end; the delay 0 is now.
func (a *agent) leaveAfter(delay time.Duration, op string) {
	if delay <= 0 {
		go a.leave(op)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shutdown != nil {
		a.shutdown.Stop()
	}
	a.shutdown = time.AfterFunc(delay, func() { a.leave(op) })
}

// stay cancels a scheduled end.
func (a *agent) stay() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shutdown != nil {
		a.shutdown.Stop()
	}
}

// leave ends the guest from the inside: op is control.Poweroff or control.Reboot.
func (a *agent) leave(op string) {
	a.mu.Lock()
	again := a.ending
	a.ending = true
	a.mu.Unlock()
	if again {
		return
	}
	a.console.Printf("The system is going down: %s", op)
	a.sessions.settle()
	a.terminate(time.Second)
	_ = a.host.Send(control.Message{Op: op})
	os.Exit(0)
}

// terminate asks every process of the guest to end and waits for at most grace.
func (a *agent) terminate(grace time.Duration) {
	a.mu.Lock()
	a.ending = true
	a.mu.Unlock()
	_ = syscall.Kill(-1, syscall.SIGTERM)
	_ = syscall.Kill(-1, syscall.SIGHUP) // interactive shells don't mind the other
	_ = syscall.Kill(-1, syscall.SIGCONT)
	a.procs.waitAll(grace)
	a.console.Printf("Power down")
}
