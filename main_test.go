package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/plugin"
)

// The plugin listens also where the temporary folder's path leaves no room for a socket's.
func TestALongTemporaryFolder(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "packer-plugin-openstack")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "start", "builder", plugin.DEFAULT_NAME)
	cmd.Env = append(os.Environ(), "TMPDIR="+long, plugin.MagicCookieKey+"="+plugin.MagicCookieValue)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil || !strings.Contains(line, "|unix|/") {
		t.Errorf("it says %q, %v", line, err)
	}
}
