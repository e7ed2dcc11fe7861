package rpmtest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Diff is the layer that makes one root of another.
func Diff(t testing.TB, before, after string) v1.Layer {
	t.Helper()
	was, is := Tree(t, before), Tree(t, after)
	staging := t.TempDir()
	var paths []string
	for p := range is {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	changed := []string{"--parents", "-a", "--no-dereference"}
	for _, p := range paths {
		info, err := os.Lstat(filepath.Join(after, p))
		if err != nil {
			t.Fatal(err)
		}
		if was[p] == is[p] {
			continue
		}
		if info.IsDir() {
			folders(t, after, staging, p)
			continue
		}
		changed = append(changed, p)
	}
	if len(changed) > 3 {
		args := append([]string{"-c", `cd "$1" && shift && cp "$@"`, "sh", after}, changed...)
		Run(t, "sh", append(args, staging)...)
	}
	for p := range was {
		if _, ok := is[p]; ok {
			continue
		}
		if _, ok := is[filepath.Dir(p)]; !ok && filepath.Dir(p) != "." {
			continue // its folder goes
		}
		dir := filepath.Join(staging, filepath.Dir(p))
		folders(t, after, staging, filepath.Dir(p))
		if err := os.WriteFile(filepath.Join(dir, ".wh."+filepath.Base(p)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Layer(t, staging)
}

// folders makes a folder and those above it as they are in another root.
func folders(t testing.TB, from, to, p string) {
	t.Helper()
	if p == "." {
		return
	}
	folders(t, from, to, filepath.Dir(p))
	if err := os.Mkdir(filepath.Join(to, p), 0o700); err == nil {
		Run(t, "chown", "--reference="+filepath.Join(from, p), filepath.Join(to, p))
		Run(t, "chmod", "--reference="+filepath.Join(from, p), filepath.Join(to, p))
	}
}
