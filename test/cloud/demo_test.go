// Package cloud_test runs the demo of donated clouds.
package cloud_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// The demo is the whole way of a donated cloud, as people run it: from its first check to a provider of nodepool.
func TestDemo(t *testing.T) {
	t.Parallel()
	packer := packertest.New(t)
	bin := t.TempDir()
	for name, from := range map[string]string{"imgctl-sandbox": "./cmd/imgctl-sandbox", "demo": "./example/cloud"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, name), from)
		build.Dir, build.Env = packertest.Root(), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", from, err, out)
		}
	}
	cmd := packer.Around(t, filepath.Join(bin, "imgctl-sandbox"), "run", "--no-guests", "--", filepath.Join(bin, "demo"))
	cmd.Dir = packertest.Root()
	cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "The file is the same as before") {
		t.Errorf("%v\n%s", err, out)
	}
}
