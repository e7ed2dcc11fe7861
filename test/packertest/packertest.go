// Package packertest runs the real packer with the plugin of this source tree, for tests.
package packertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Packer is a packer that finds this tree's plugin and no other.
type Packer struct {
	path string
	env  []string
}

// New prepares what `make plugin` makes. The test is skipped where that isn't possible.
func New(t testing.TB) *Packer {
	t.Helper()
	p, err := prepared()
	if err != nil {
		t.Skipf("no packer to test with: %v", err)
	}
	return p
}

// prepared finds packer and plugin. `make test` has built both; `go test` alone asks make to.
var prepared = sync.OnceValues(func() (*Packer, error) {
	root := Root()
	plugins := filepath.Join(root, ".cache", "packer.d")
	if os.Getenv("PACKER_PLUGIN_PATH") != plugins {
		if out, err := exec.Command("make", "-C", root, "plugin").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("make plugin: %w\n%s", err, out)
		}
	}
	path, err := find(root)
	if err != nil {
		return nil, err
	}
	env := append(clean(os.Environ()), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"), "PACKER_PLUGIN_PATH="+plugins,
		"CHECKPOINT_DISABLE=1", "PACKER_NO_COLOR=1")
	return &Packer{path, env}, nil
})

// find is the packer to test with: the one that IMGCTL_PACKER names, such as an older one, or the tree's own.
func find(root string) (string, error) {
	if path := os.Getenv("IMGCTL_PACKER"); path != "" {
		return exec.LookPath(path)
	}
	path := filepath.Join(root, "bin", "packer")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return exec.LookPath("packer")
}

// Path is a PATH with this tree's programs, and the packer to test with, before the others.
func Path(others string) string {
	path := filepath.Join(Root(), "bin") + ":" + others
	if packer := os.Getenv("IMGCTL_PACKER"); packer != "" {
		path = filepath.Dir(packer) + ":" + path
	}
	return path
}

// clean leaves out what would point a test at somebody's real cloud.
func clean(env []string) (kept []string) {
	for _, e := range env {
		if !strings.HasPrefix(e, "OS_") && !strings.HasPrefix(e, "PKR_VAR_") && !strings.HasPrefix(e, "PACKER_LOG") {
			kept = append(kept, e)
		}
	}
	return kept
}

// Root is the folder of the module that the test's package belongs to.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
	}
	return dir
}

// Command is packer with the arguments; env is added to its environment, such as what
// sandbox.Cloud.Env gives. It ends with the test, with time to clean up.
func (p *Packer) Command(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := p.Around(t, p.path, args...)
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// Around is a command that finds packer on its PATH.
func (p *Packer) Around(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = slices.Concat(p.env, []string{"PACKER_CACHE_DIR=" + t.TempDir()})
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}

// Run runs packer to its end and gives all that it said.
func (p *Packer) Run(t testing.TB, env []string, args ...string) (string, error) {
	t.Helper()
	out, err := p.Command(t, env, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("packer %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}
