//go:build unix

package doctor

import "golang.org/x/sys/unix"

// writable is nil if this user may make files in the folder.
func writable(folder string) error { return unix.Access(folder, unix.W_OK|unix.X_OK) }
