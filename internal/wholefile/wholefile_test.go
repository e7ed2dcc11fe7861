package wholefile_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// names are the files of a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func want(t *testing.T, path, text string, perm os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != text {
		t.Errorf("%s has %q, %v; want %q", path, got, err, text)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != perm {
		t.Errorf("%s: %v, %v; want mode %v", path, info.Mode(), err, perm)
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "plan.json")
	for _, text := range []string{"one", strings.Repeat("two", 10_000)} {
		if err := wholefile.Replace(path, 0o640, []byte(text)); err != nil {
			t.Fatal(err)
		}
		want(t, path, text, 0o640)
	}
	if err := wholefile.Replace(filepath.Join(dir, "none", "x"), 0o600, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is missing: %v", err)
	}
	if err := wholefile.Replace(dir, 0o600, nil); err == nil {
		t.Error("a folder is replaced")
	}
	if got := names(t, dir); !slices.Equal(got, []string{"plan.json"}) {
		t.Errorf("left behind: %q", got)
	}
}

// Until everything is written, the older file is there, and it stays if writing fails.
func TestAFailureKeepsTheOlderFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "plan.json")
	if err := wholefile.Replace(path, 0o600, []byte("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := wholefile.Write(path, 0o644, func(w io.Writer) error {
		if _, err := io.WriteString(w, strings.Repeat("new", 10_000)); err != nil {
			return err
		}
		want(t, path, "old", 0o600)
		return boom
	})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v", err)
	}
	want(t, path, "old", 0o600)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
}

// A link stays one, and its target is replaced.
func TestBehindALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	for _, err := range []error{os.WriteFile(target, []byte("old"), 0o600), os.Symlink("target", link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := wholefile.Replace(link, 0o644, []byte("new")); err != nil {
		t.Fatal(err)
	}
	want(t, target, "new", 0o644)
	if to, err := os.Readlink(link); err != nil || to != "target" {
		t.Errorf("the link is %q, %v", to, err)
	}
}

// A pipe has a reader at its other end, who would wait for ever if it were replaced.
func TestIntoAPipe(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		text, err := os.ReadFile(pipe)
		if err != nil {
			text = []byte(err.Error())
		}
		got <- string(text)
	}()
	if err := wholefile.Replace(pipe, 0o644, []byte("text")); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "text" {
		t.Errorf("the reader gets %q", text)
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b", "cache")
	if err := wholefile.Keep(path, []byte("text")); err != nil {
		t.Fatal(err)
	}
	want(t, path, "text", 0o600)
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// Root changes somebody's file: it stays theirs.
func TestTheOwnerStays(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("not root: no file can be given to somebody else, whose ownership has to stay")
	}
	path := filepath.Join(t.TempDir(), "config")
	for _, err := range []error{os.WriteFile(path, nil, 0o600), os.Chown(path, 1234, 5678), wholefile.Replace(path, 0o640, []byte("new"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 1234 || stat.Gid != 5678 {
		t.Errorf("it belongs to %d:%d", stat.Uid, stat.Gid)
	}
	want(t, path, "new", 0o640)
}

// Of many who add one to a number in a file, nobody's change is lost, by whatever path they come.
func TestHold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "n"), filepath.Join(t.TempDir(), "link")
	for _, err := range []error{os.WriteFile(path, []byte("0"), 0o600), os.Symlink(path, link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const many = 20
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			by := []string{path, link}[n%2]
			release, err := wholefile.Hold(t.Context(), by, filepath.Join(t.TempDir(), "other"))
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			text, err := os.ReadFile(by)
			number, wrong := strconv.Atoi(string(text))
			if err := errors.Join(err, wrong, wholefile.Replace(by, 0o600, []byte(strconv.Itoa(number+1)))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if text, err := os.ReadFile(path); err != nil || string(text) != strconv.Itoa(many) {
		t.Errorf("%q, %v", text, err)
	}
	release, err := wholefile.Hold(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := wholefile.Hold(ctx, link); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), dir) {
		t.Errorf("while it is held: %v", err)
	}
	release()
	if names := names(t, dir); !slices.Equal(names, []string{"n"}) {
		t.Errorf("left behind: %q", names)
	}
}
