//go:build unix

package filelock_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
)

// A process that is started while a lock is given up has the file open until it runs its program.
func TestClosedByOneProcessOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	f, err := filelock.Create(path, 0o600)
	if err != nil || !filelock.Held(path) {
		t.Fatalf("%v, held: %t", err, filelock.Held(path))
	}
	forked, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(forked)
	filelock.Close(f)
	if filelock.Held(path) {
		t.Error("held after it was closed")
	}
}
