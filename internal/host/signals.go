package host

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/session"
)

const (
	// patience is how long the command, or imgctl itself, may take to end in order after a signal.
	patience = 3 * time.Second
	// together is how long after a signal others belong to it: timeout(1) sends its signal to the command and to its
	// process group, systemd sends SIGHUP behind SIGTERM, and neither means that the command is to be abandoned.
	together = 500 * time.Millisecond
)

// hear passes on the signals, of which those within a moment are one. It also ends imgctl if they had no effect:
// after the second one always, and after the first if no plugin's command is running that would clean up. Nothing
// can block it.
func (h *Host) hear() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, session.Resized)
	go h.count(signals)
}

func (h *Host) count(signals <-chan os.Signal) {
	heard, last := 0, time.Time{}
	for s := range signals {
		if s != session.Resized {
			if heard > 0 && time.Since(last) < together {
				continue
			}
			heard, last = heard+1, time.Now()
		}
		select {
		case h.signals <- s:
		default:
		}
		switch {
		case s == session.Resized:
		case heard > 2:
			h.end()
		case heard == 2, !h.running.Load():
			time.AfterFunc(patience, h.end)
		}
	}
}

// end ends the plugin and imgctl at once.
func (h *Host) end() {
	if p := h.process.Load(); p != nil {
		p.Abandon()
	}
	os.Exit(fault.ExitCode(fault.New(fault.Cancelled, "", "abandoned")))
}

// leave is finish for when standard output or error may be blocked.
func (h *Host) leave(err error) int {
	status := make(chan int, 1)
	go func() { status <- h.finish(err) }()
	select {
	case s := <-status:
		return s
	case <-time.After(patience):
		return fault.ExitCode(err)
	}
}
