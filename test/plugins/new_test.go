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
	for _, language := range []string{"go", "python", "node"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			arguments := []string{"imgctl", "plugin", "new", "stock", "--language", language}
			npm := ""
			switch language {
			case "go":
				arguments = append(arguments, "--sdk", here)
			case "python":
				needPython(t)
			case "node":
				npm = needNode(t)
			}
			dir := t.TempDir()
			if out, err := do(dir, arguments...); err != nil {
				t.Fatalf("%v: %v\n%s", arguments, err, out)
			}
			if language == "node" {
				lockedModules(t, npm, filepath.Join(dir, "imgctl-stock"))
			}
			if out, err := do(dir, "make", "-C", "imgctl-stock", "check"); err != nil {
				t.Fatalf("make check: %v\n%s", err, out)
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

// lockedModules puts the modules that a new plugin in JavaScript asks for into its folder, in the versions of
// example/plugin-node.
func lockedModules(t *testing.T, npm, dir string) {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(root, "example/plugin-node/package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "package-lock.json"), lock, 0o600); err != nil {
		t.Fatal(err)
	}
	nodeModules(t, npm, dir)
}
