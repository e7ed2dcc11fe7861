package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// The demo that the README shows, as it is and with each set of faults that a page gives.
func TestDemo(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("servers with an inside need Linux")
	}
	packer := packertest.New(t)
	bin := t.TempDir()
	for _, from := range []string{"./cmd/imgctl-sandbox", "./example/demo"} {
		build := exec.Command("go", "build", "-o", bin, from)
		build.Dir, build.Env = packertest.Root(), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", from, err, out)
		}
	}
	demo := func(t *testing.T, flags ...string) {
		t.Helper()
		args := append(append([]string{"run"}, flags...), "--", filepath.Join(bin, "demo"))
		cmd := packer.Around(t, filepath.Join(bin, "imgctl-sandbox"), args...)
		cmd.Dir = packertest.Root()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	t.Run("as it is", func(t *testing.T) {
		t.Parallel()
		demo(t)
	})
	for _, b := range blocks(t, "yaml") {
		if !b.marked("faults") {
			continue
		}
		t.Run("with faults of "+b.String(), func(t *testing.T) {
			t.Parallel()
			rules := filepath.Join(t.TempDir(), "faults.yaml")
			if err := os.WriteFile(rules, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			demo(t, "--faults", rules)
		})
	}
}
