package trust

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// With somebody else's HOME, as sudo leaves it, nobody is trusted by its lock file, and it isn't
// overwritten.
func TestALockFileOfSomebodyElse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "closed", "plugins.lock.yaml")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("version: 1\nplugins: [{name: x, sha256: y}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		if err := os.Chmod(filepath.Dir(path), 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(filepath.Dir(path), 0o700) })
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if os.Geteuid() == 0 {
			_ = syscall.Setfsuid(65534)
		}
		l := readLock(path)
		if l.unreadable == nil {
			t.Errorf("%+v", l)
			return
		}
		if _, known := l.Entry("x"); known {
			t.Error("somebody else's word counts")
		}
		if err := l.Put(Entry{Name: "z"}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("writing it: %v", err)
		}
	}()
	<-done
}
