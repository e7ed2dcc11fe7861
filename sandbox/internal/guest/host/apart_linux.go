package host

import (
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// startApart starts a command from a thread with a session keyring of its own, so that the guest doesn't inherit
// this process's, which may hold the user's keys.
func startApart(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with its keyring
		_, _ = unix.KeyctlJoinSessionKeyring("")
		started <- cmd.Start()
	}()
	return <-started
}
