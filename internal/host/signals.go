package host

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// patience is how long what hears a signal has for ending in order, be it the command or imgctl itself.
const patience = 3 * time.Second

// lastResort ends imgctl when signals have been heard to no effect: the second one always does, and
// the first if no plugin's command runs that would clean up. It does nothing else, so nothing that
// anybody doesn't read can keep it.
func (h *Host) lastResort() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	for heard := 1; ; heard++ {
		<-signals
		switch {
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

// leave is finish where standard output or error may be held up.
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
