package plugins

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
)

// imgctl builds the host, and returns a function that runs a program with it on PATH in a folder.
func imgctl(t *testing.T) func(dir string, command ...string) (string, error) {
	t.Helper()
	home, bin := t.TempDir(), filepath.Join(t.TempDir(), "bin")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "imgctl"), filepath.Join(root, "cmd/imgctl")).
		CombinedOutput(); err != nil {
		t.Fatalf("building imgctl: %v\n%s", err, out)
	}
	return func(dir string, command ...string) (string, error) {
		if command[0] == "imgctl" {
			command = append([]string{filepath.Join(bin, "imgctl")}, command[1:]...)
		}
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "GOWORK=off",
			"XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home, "XDG_CACHE_HOME="+home)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// A stranger gets from nothing to a plugin that passes the check and works, without reading anything.
func TestNewPlugins(t *testing.T) {
	t.Parallel()
	do := imgctl(t)
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"go", "python"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			arguments := []string{"imgctl", "plugin", "new", "stock", "--language", language}
			if language == "python" {
				needPython(t)
			} else {
				arguments = append(arguments, "--sdk", here)
			}
			dir := t.TempDir()
			for _, command := range [][]string{arguments, {"make", "-C", "imgctl-stock", "check"}} {
				if out, err := do(dir, command...); err != nil {
					t.Fatalf("%v: %v\n%s", command, err, out)
				}
			}
			plugin := filepath.Join(dir, "imgctl-stock", "imgctl-stock")
			if rows := list(t, plugin, "stock", "list"); len(rows) != 1 || rows[0][1] != conformance.Name {
				t.Errorf("it lists %v", rows)
			}
			if language == "go" {
				if out, err := do(dir, "make", "-C", "imgctl-stock", "test"); err != nil {
					t.Errorf("its test: %v\n%s", err, out)
				}
			}
			if out, err := do(dir, arguments...); err == nil || !strings.Contains(out, "there already") {
				t.Errorf("into the same folder: %v\n%s", err, out)
			}
		})
	}
	for said, arguments := range map[string][]string{
		"is no name of a plugin": {"Stock"},
		"is no domain":           {"stock", "--vendor", "me"},
		"--sdk is for":           {"stock", "--language", "python", "--sdk", here},
		"is empty":               {"stock", "--folder", ""},
	} {
		dir := t.TempDir()
		out, err := do(dir, append([]string{"imgctl", "plugin", "new"}, arguments...)...)
		if left, _ := os.ReadDir(dir); err == nil || !strings.Contains(out, said) || len(left) > 0 {
			t.Errorf("%v: %v, left %v\n%s", arguments, err, left, out)
		}
	}
}
