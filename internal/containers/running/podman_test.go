package running_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/running"
)

// TestPodmanItself asks the real podman which containers run.
func TestPodmanItself(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"podman", "busybox"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s isn't installed: apt-get install podman busybox-static", program)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("only root can run podman wherever these tests run")
	}
	dir, err := os.MkdirTemp("", "podman") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := filepath.Join(dir, "storage.conf")
	text := "[storage]\ndriver = \"vfs\"\ngraphroot = \"" + dir + "/storage\"\nrunroot = \"" + dir + "/run\"\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	podman := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "podman", args...)
		cmd.Env = append(os.Environ(), "CONTAINERS_STORAGE_CONF="+config)
		return cmd
	}
	socket := filepath.Join(dir, "podman.sock")
	service := podman("system", "service", "--time", "0", "unix://"+socket)
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = service.Process.Kill()
		_ = service.Wait()
	}()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Skip("podman's service doesn't start here")
		}
	}
	before, err := running.Containers(t.Context(), socket)
	if err != nil || len(before) > 0 {
		t.Fatalf("without containers, podman has %+v, %v", before, err)
	}
	archive := filepath.Join(dir, "root.tar")
	tar := exec.CommandContext(t.Context(), "tar", "-C", "/bin", "-cf", archive, "busybox")
	if out, err := tar.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	if out, err := podman("import", "-q", archive, "site.example/ns/nova:1").CombinedOutput(); err != nil {
		t.Fatalf("podman import: %v\n%s", err, out)
	}
	run := podman("run", "-d", "--name", "nova", "--network", "none", "site.example/ns/nova:1", "/busybox", "sleep", "600")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Skipf("podman can't run containers here: %v %s", err, strings.TrimSpace(string(out)))
	}
	defer func() { _ = podman("rm", "-f", "-t", "0", "nova").Run() }()
	after, err := running.Containers(t.Context(), socket)
	if err != nil || len(after) != 1 || after[0].Name != "nova" || !strings.HasPrefix(after[0].Image, "site.example/ns/nova") {
		t.Errorf("with one, podman has %+v, %v", after, err)
	}
}
