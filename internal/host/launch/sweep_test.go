package launch

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSweepTakesWhatNobodyListensIn makes the folders of a living plugin, of two killed ones and of one that
// has just started.
func TestSweepTakesWhatNobodyListensIn(t *testing.T) {
	folder, err := os.MkdirTemp("", "sweep") //nolint:usetesting // a short path: sockets have room for 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	plugin := func(name string, age time.Duration) (dir string, l *net.UnixListener) {
		dir = filepath.Join(folder, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "socket"), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		t.Cleanup(func() { l.Close() })
		before := time.Now().Add(-age)
		if err := os.Chtimes(dir, before, before); err != nil {
			t.Fatal(err)
		}
		return dir, l
	}
	_, alive := plugin("plugin-dir1", 2*leftover)
	for name, age := range map[string]time.Duration{"plugin-dir2": 2 * leftover, "plugin-dir3": 0, "something-else": 2 * leftover} {
		_, killed := plugin(name, age)
		killed.Close()
	}
	empty := filepath.Join(folder, "plugin-dir4")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * leftover)
	if err := os.Chtimes(empty, old, old); err != nil {
		t.Fatal(err)
	}

	sweep(folder)

	for name, want := range map[string]bool{
		"plugin-dir1": true, "plugin-dir2": false, "plugin-dir3": true, "plugin-dir4": false, "something-else": true,
	} {
		if _, err := os.Stat(filepath.Join(folder, name)); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", name, err == nil, want)
		}
	}
	if err := alive.SetDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if c, err := alive.Accept(); err == nil {
		c.Close()
		t.Error("the living plugin got a connection")
	}
}
