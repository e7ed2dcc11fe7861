package archtest

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// How many lines a file may have before it has to be split by thing, and how many the files of the
// programs, tests apart, have by half and by nine tenths.
const (
	longest     = 600
	half        = 100
	nineInTenth = 230
)

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	var lines []int
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "bin" || d.Name() == "testdata" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go" && filepath.Ext(name) != ".sh" || strings.HasSuffix(name, ".hcl2spec.go"):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if head, _, _ := bytes.Cut(text, []byte("\npackage ")); bytes.Contains(head, []byte("\n// Code generated ")) ||
			bytes.HasPrefix(head, []byte("// Code generated ")) {
			return nil
		}
		n := bytes.Count(text, []byte("\n"))
		if n > longest {
			t.Errorf("%s has %d lines, more than %d: split it by thing", strings.TrimPrefix(name, root+"/"), n, longest)
		}
		if filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
			lines = append(lines, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	if n := lines[len(lines)/2]; n > half {
		t.Errorf("half of the files have more than %d lines, %d is the most that is meant", n, half)
	}
	if n := lines[len(lines)*9/10]; n > nineInTenth {
		t.Errorf("one file in ten has more than %d lines, %d is the most that is meant", n, nineInTenth)
	}
}

// largest is how many bytes a committed file may have. Programs, dumps and data sets have more.
const largest = 300_000

func TestCommittedFilesAreSmall(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	out, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Skipf("needs git and a checkout, to know which files are committed: %v", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Size() > largest {
			t.Errorf("%s has %d bytes: a program, a dump or generated data doesn't belong into the repository", name, info.Size())
		}
	}
}
