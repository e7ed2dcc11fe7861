// Package sandbox tests the sandbox the way its users have it.
package sandbox

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	root    = "../.."
	example = root + "/example/sandbox-go"
)

// Somebody else's module gets the sandbox without our replaces, and without Packer and imgctl.
func TestGoExample(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "newest")
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "mod", "edit", "-replace=github.com/imgctl/packer-plugin-openstack="+here)
	foreign := regexp.MustCompile(`hashicorp/|/internal/host|grpc`)
	for d := range strings.FieldsSeq(run(t, dir, "go", "list", "-deps", "-test", ".")) {
		if foreign.MatchString(d) {
			t.Errorf("it depends on %s", d)
		}
	}
	if out := run(t, dir, "go", "test", "-v", "."); strings.Count(out, "--- PASS") < 3 {
		t.Errorf("it ran\n%s", out)
	}
}

func TestThePageShowsTheGoExample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs/sandbox.md"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(example, "newest_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := bytes.Cut(page, []byte("```go\n"))
	shown, _, _ = bytes.Cut(shown, []byte("```"))
	if len(shown) == 0 || !bytes.Contains(source, shown) {
		t.Errorf("docs/sandbox.md shows what isn't in %s", example)
	}
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
