package newest

import (
	"os/exec"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// A sandbox can have servers that are real places; this needs Linux, and root or user namespaces.
func TestCommandOnTheSandbox(t *testing.T) {
	cloud := sandboxtest.Start(t, sandboxtest.WithGuests(t, sandbox.Options{SSHPort: 2222}))
	cmd := exec.Command("sh", "-c", `grep -q demo "$OS_CLIENT_CONFIG_FILE"`) // in place of your program
	cmd.Env = append(cmd.Environ(), cloud.Env("demo")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
