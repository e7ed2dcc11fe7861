//go:build !unix

package filelock

import "os"

// Try takes the lock: here, everybody gets it.
func Try(*os.File, Kind) (taken bool, err error) { return true, nil }

// Create makes a file that others only ask about by Held.
func Create(path string, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
}

// Unlock gives up the lock: here, there is none.
func Unlock(*os.File) {}

// Held reports whether the file is there: here, one of a killed process stays.
func Held(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
