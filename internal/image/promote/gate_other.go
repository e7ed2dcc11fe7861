//go:build !unix

package promote

import (
	"os"
	"os/exec"
)

// inOwnGroup stops the command alone: this system has no process groups.
func inOwnGroup(cmd *exec.Cmd) (kill func()) {
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return func() {}
}
