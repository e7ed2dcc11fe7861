package archtest

import (
	"bytes"
	"io/fs"
	"os"
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
