// Package sandboxtest starts a sandbox for the time of a test.
package sandboxtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// Start starts a sandbox that closes with the test.
func Start(t testing.TB, o sandbox.Options) *sandbox.Cloud {
	t.Helper()
	c, err := sandbox.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing the sandbox: %v", err)
		}
	})
	return c
}

// WithGuests is o with servers that have an inside.
func WithGuests(t testing.TB, o sandbox.Options) sandbox.Options {
	t.Helper()
	o.Agent = Agent(t)
	return o
}

// Agent builds the program that is the servers' init, once per machine and source state, and returns
// its path.
func Agent(t testing.TB) string {
	t.Helper()
	path, err := buildAgent()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildAgent = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "imgctl-sandbox-test")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	// Test processes side by side want the same file.
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", err
	}
	return build(filepath.Join(dir, "imgctl-sandbox"))
})

func build(path string) (string, error) {
	cmd := exec.Command("go", "build", "-o", path, "github.com/imgctl/packer-plugin-openstack/cmd/imgctl-sandbox")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building imgctl-sandbox: %w\n%s", err, out)
	}
	return path, nil
}
