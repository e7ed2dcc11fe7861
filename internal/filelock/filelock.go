// Package filelock locks files between processes. A lock lasts until Close or until its process ends, and hinders only
// those who ask for one. Where a file system or an operating system has no locks, everybody gets them.
package filelock

import (
	"context"
	"os"
	"time"
)

// Kind is who else may have a lock.
type Kind int

const (
	// Alone is a lock that nobody else has.
	Alone Kind = iota
	// Shared is a lock that others who share it may have, too.
	Shared
)

// pace is how often a lock that another process has is tried.
const pace = 50 * time.Millisecond

// Close gives up the lock and closes the file.
func Close(f *os.File) {
	Unlock(f)
	_ = f.Close() // nothing was written to it
}

// Mark locks a file that others only ask about by Held.
func Mark(f *os.File) error { return Take(context.Background(), f, func() {}) }

// Take waits for the lock, at most until ctx ends, whose cause is the error then. It calls waiting once if it has to wait.
func Take(ctx context.Context, f *os.File, waiting func()) error {
	for tries := 0; ; tries++ {
		if taken, err := Try(f, Alone); taken || err != nil {
			return err
		}
		if tries == 0 {
			waiting()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pace):
		}
	}
}
