package filelock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
)

func TestLocks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("needs flock(2) to see one lock keep another out: Windows has none, and everybody gets the lock there")
	}
	path := filepath.Join(t.TempDir(), "file")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	try := func(f *os.File, kind filelock.Kind, want bool) {
		t.Helper()
		if got, err := filelock.Try(f, kind); got != want || err != nil {
			t.Errorf("taken: %t, not %t; %v", got, want, err)
		}
	}
	one, two, three := open(), open(), open()
	if filelock.Held(path) {
		t.Error("held by nobody")
	}
	try(one, filelock.Shared, true)
	try(two, filelock.Shared, true)
	try(three, filelock.Alone, false)
	two.Close()
	one.Close()
	if err := filelock.Mark(three); err != nil || !filelock.Held(path) {
		t.Errorf("marked: %v, held: %t", err, filelock.Held(path))
	}
	try(open(), filelock.Shared, false)

	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	waits := 0
	if err := filelock.Take(ctx, open(), func() { waits++; cancel(reason) }); !errors.Is(err, reason) || waits != 1 {
		t.Errorf("%v after %d calls", err, waits)
	}
	four := open()
	if err := filelock.Take(t.Context(), four, func() { three.Close() }); err != nil || !filelock.Held(path) {
		t.Errorf("after it was given up: %v, held: %t", err, filelock.Held(path))
	}
	four.Close()
	if filelock.Held(path) {
		t.Error("held after it was closed")
	}
	if filelock.Held(filepath.Join(t.TempDir(), "none")) {
		t.Error("a file that isn't there is held")
	}
}
