package host

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// patience is how long the command, or imgctl itself, may take to end in order after a signal.
const patience = 3 * time.Second

// lastResort ends imgctl if signals had no effect: after the second one always, and after the first if no
// plugin's command is running that would clean up. It does nothing else, so nothing can block it.
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
