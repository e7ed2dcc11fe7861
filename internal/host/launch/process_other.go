//go:build !unix

package launch

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ownSession is nothing special where there are no sessions.
func ownSession() *syscall.SysProcAttr { return nil }

// killGroup kills the process alone: what it has started may go on.
func killGroup(pid int) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil //nolint:nilerr // it is gone
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// mine can't be told where files have no owner's number.
func mine(fs.FileInfo) bool { return true }
