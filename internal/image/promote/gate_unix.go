//go:build unix

package promote

import (
	"os/exec"
	"syscall"
	"time"
)

// gateTerm is how long a gate may take after SIGINT until it gets SIGTERM.
const gateTerm = 2 * time.Second

// inOwnGroup makes the command stop with all processes it has started: a shell waits for its children
// before it handles a signal, and its background processes ignore SIGINT.
func inOwnGroup(cmd *exec.Cmd) (kill func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	signal := func(s syscall.Signal) { _ = syscall.Kill(-cmd.Process.Pid, s) } // what has ended already can't be signalled
	var term *time.Timer
	cmd.Cancel = func() error {
		signal(syscall.SIGINT)
		term = time.AfterFunc(gateTerm, func() { signal(syscall.SIGTERM) })
		return nil
	}
	return func() {
		if term != nil {
			term.Stop()
			signal(syscall.SIGKILL)
		}
	}
}
