package archtest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// longest is how many lines a file may have before it has to be split by thing.
const longest = 600

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
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
		if n := bytes.Count(text, []byte("\n")); n > longest {
			t.Errorf("%s has %d lines, more than %d: split it by thing", strings.TrimPrefix(name, root+"/"), n, longest)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
