package buildlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func TestNamesAreSafeAndComeBack(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{
		"sl7x-x86_64 web", "sl7x-x86%5F64_web", "../../etc/passwd", "..", ".", "latest", "a/b", `a\b`, "ünï ☃", "a\x00b", "-rf", "a+b", "con:x",
	} {
		folder := folderName(name)
		if strings.ContainsAny(folder, "/\\\x00 :") || strings.HasPrefix(folder, ".") {
			t.Errorf("%q is %q", name, folder)
		}
		if back, ok := imageName(folder); !ok || back != name {
			t.Errorf("%q is %q and comes back as %q", name, folder, back)
		}
		if other := seen[folder]; other != "" {
			t.Errorf("%q and %q are both %q", name, other, folder)
		}
		seen[folder] = name
	}
}

func begin(t *testing.T, s *Store, image string, age time.Duration, ended bool) *Run {
	t.Helper()
	r, err := s.Begin(Build{Image: image, Started: time.Now().Add(-age)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.Log(), bytes.Repeat([]byte("x"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if ended {
		if err := r.End(Result{Outcome: Built}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestPruneKeepsTheLatestAndWhatRuns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keep Keep
		left string
	}{
		"all":   {Keep{}, "[web 1h web 2h web 3h web 50h batch 90h]"},
		"runs":  {Keep{Runs: 1}, "[web 1h web 2h batch 90h]"}, // web 2h runs
		"age":   {Keep{Age: 150 * time.Minute}, "[web 1h web 2h batch 90h]"},
		"bytes": {Keep{Bytes: 5000}, "[web 1h web 2h web 3h batch 90h]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := In(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			begin(t, s, "web", 50*time.Hour, false) // its worker died
			begin(t, s, "web", 3*time.Hour, true)
			begin(t, s, "web", 2*time.Hour, false)
			begin(t, s, "web", time.Hour, true)
			begin(t, s, "batch", 90*time.Hour, true)
			if _, err := s.Prune(c.keep, time.Now()); err != nil {
				t.Fatal(err)
			}
			var left []string
			for _, image := range []string{"web", "batch"} {
				runs, err := s.Runs(image)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range runs {
					left = append(left, fmt.Sprintf("%s %.0fh", image, time.Since(r.Build.Started).Hours()))
				}
			}
			if fmt.Sprint(left) != c.left {
				t.Errorf("left %v, want %s", left, c.left)
			}
		})
	}
}

func TestFindAndFollow(t *testing.T) {
	t.Parallel()
	s, err := In(filepath.Join(t.TempDir(), "not yet"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find("web", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("no logs: %v", err)
	}
	old, now := begin(t, s, "web", time.Hour, true), begin(t, s, "web", 0, false)
	for run, want := range map[string]string{"": now.ID, old.ID: old.ID, old.ID[len(old.ID)-8:]: old.ID} {
		if r, err := s.Find("web", run); err != nil || r.ID != want {
			t.Errorf("run %q is %v, %v", run, r, err)
		}
	}
	if _, err := s.Find("web", "nothing"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such run: %v", err)
	}
	if to, err := os.Readlink(filepath.Join(filepath.Dir(now.Folder), latest)); err != nil || to != now.ID {
		t.Errorf("latest is %s, %v", to, err)
	}
	if err := os.Remove(now.Log()); !errors.Is(err, fs.ErrNotExist) && err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	done := make(chan error)
	go func() { done <- now.Show(t.Context(), &shown, true) }()
	f, err := os.Create(now.Log())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		fmt.Fprintln(f, "line", n)
	}
	f.Close()
	if err := now.End(Result{Outcome: Built}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || shown.String() != "line 0\nline 1\nline 2\n" {
		t.Errorf("%v %q", err, &shown)
	}
}
