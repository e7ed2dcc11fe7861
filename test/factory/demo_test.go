package factory_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

// The demo is the whole factory, as people run it: a profile changes, and the new image is current.
func TestDemo(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("servers with an inside need Linux")
	}
	packer := packertest.New(t)
	bin := t.TempDir()
	for name, from := range map[string]string{"imgctl-sandbox": "./cmd/imgctl-sandbox", "demo": "./example/factory"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, name), from)
		build.Dir, build.Env = packertest.Root(), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", from, err, out)
		}
	}
	demo := func(t *testing.T, env ...string) {
		t.Helper()
		cmd := packer.Around(t, filepath.Join(bin, "imgctl-sandbox"), "run", "--", filepath.Join(bin, "demo"))
		cmd.Dir = packertest.Root()
		cmd.Env = append(append(cmd.Env, env...), "PATH="+packertest.Path(os.Getenv("PATH")),
			"XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "among the current images") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	t.Run("in one process", func(t *testing.T) {
		t.Parallel()
		demo(t)
	})
	t.Run("with RabbitMQ and two workers", func(t *testing.T) {
		t.Parallel()
		demo(t, "RABBIT_URL="+rabbittest.Start(t).URL)
	})
}
