package plugintest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Hostile puts the plugin of that name, of those that break the rules (see the hostile folder), into
// dir as imgctl-NAME, and gives its path.
func Hostile(t testing.TB, dir, name string) string {
	t.Helper()
	program, err := hostile()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "imgctl-"+name)
	// A file that this process writes can't be run while a child of another test still has it open.
	write := exec.CommandContext(t.Context(), "/bin/sh", "-c", `cat >"$0" && chmod 755 "$0"`, path)
	write.Stdin = bytes.NewReader(program)
	if out, err := write.CombinedOutput(); err != nil {
		t.Fatalf("writing %s: %v\n%s", path, err, out)
	}
	return path
}

// hostile is the program that they all are, built once.
var hostile = sync.OnceValues(func() (program []byte, err error) {
	dir, err := os.MkdirTemp("", "imgctl-hostile")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "hostile")
	build := exec.Command("go", "build", "-o", path, "github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/hostile")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the hostile plugins: %w\n%s", err, out)
	}
	return os.ReadFile(path)
})
