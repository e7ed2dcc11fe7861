package wholefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

func TestCanWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, there, closed := filepath.Join(dir, "file"), filepath.Join(dir, "closed", "there"), filepath.Join(dir, "closed")
	if err := errors.Join(os.Mkdir(closed, 0o755), os.WriteFile(file, nil, 0o600), os.WriteFile(there, nil, 0o600),
		os.Chmod(there, 0o666), os.Chmod(closed, 0o555), os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		file: nil, filepath.Join(dir, "new"): nil, "/dev/null": nil,
		dir: wholefile.ErrFolder, filepath.Join(dir, "none/new"): fs.ErrNotExist,
	} {
		if err := wholefile.CanWrite(path); !errors.Is(err, want) {
			t.Errorf("%s: %v, not %v", path, err, want)
		}
	}
	if err := wholefile.CanWrite(filepath.Join(file, "new")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file in a file: %v", err)
	}
	unprivileged(t, func() {
		if err := wholefile.CanWrite(filepath.Join(closed, "new")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a folder that isn't ours: %v", err)
		}
		if err := wholefile.CanWrite(there); err != nil {
			t.Errorf("a file of ours in a folder that isn't: %v", err)
		}
	})
}

// unprivileged calls do as a user who isn't root.
func unprivileged(t *testing.T, do func()) {
	t.Helper()
	const nobody = 65534
	done := make(chan error)
	go func() {
		var err error
		if os.Geteuid() == 0 {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); e != 0 {
				err = e
			}
		}
		if err == nil {
			do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
