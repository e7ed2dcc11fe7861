// Package sandboxtest starts a sandbox for the duration of a test:
//
//	cloud := sandboxtest.Start(t)
//	cloud.CloudsYAML()   // path of a clouds.yaml with an entry for each of cloud.Clouds()
//	cloud.Env("demo")    // OS_CLIENT_CONFIG_FILE and OS_CLOUD for a command
//	cloud.Faults()       // makes requests fail by rule
//	cloud.Requests()     // the requests so far
package sandboxtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	_ "github.com/imgctl/packer-plugin-openstack/sandbox/program" // what Agent builds, so that the go.sum of whoever imports this covers it
)

// Start starts a sandbox that ends with the test. It takes at most one Options; without any, the sandbox is empty,
// and its servers have states but no inside.
func Start(t testing.TB, o ...sandbox.Options) *sandbox.Cloud {
	t.Helper()
	if len(o) > 1 {
		t.Fatalf("sandboxtest.Start takes one set of options, not %d", len(o))
	}
	c, err := sandbox.Start(context.Background(), append(o, sandbox.Options{})[0])
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

// WithGuests is o with servers that boot, accept SSH and can be saved as images. It needs Linux, and root or user
// namespaces.
func WithGuests(t testing.TB, o sandbox.Options) sandbox.Options {
	t.Helper()
	o.Agent = Agent(t)
	return o
}

// SkipWithoutGuests skips the test if what a command or a client said tells that servers have no inside on this
// machine.
func SkipWithoutGuests(t testing.TB, said string) {
	t.Helper()
	if strings.Contains(said, "guests can't run here") {
		t.Skipf("needs servers with an inside, so Linux with root or user namespaces: %s", said)
	}
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
	// Parallel test processes need the same file.
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
