// Package program writes programs that tests run.
package program

import (
	"os"
	"syscall"
	"testing"
)

// Write writes a program that can be run at once. What is started by another test meanwhile doesn't keep the file open:
// as long as anybody can write to a file, the kernel doesn't run it.
func Write[T string | []byte](t testing.TB, path string, content T) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(content), 0o755) // #nosec G306 -- a program
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = os.Chmod(path, 0o755) // #nosec G302 -- whatever the umask
	}
	if err != nil {
		t.Fatal(err)
	}
}
