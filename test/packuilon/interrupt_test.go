//go:build unix

package packuilon

import (
	"bufio"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// Ctrl-C ends the waiting for a profile that never comes, and the machine goes.
func TestProvisionIsInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cmd := w.command(w.template(fmt.Sprintf(`
  provisioner "openstack-quattor" {
    %s
    hostname       = "nobody.example.com"
    wait_for       = "none"
    fetch_timeout  = "1h"
    fetch_interval = "100ms"
  }
`, profileURL), "root"), nil)
	r, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	interrupted := false
	for lines := bufio.NewScanner(r); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if !interrupted && strings.Contains(lines.Text(), "trying again in 100ms") {
			interrupted = true
			if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil { // as a terminal does it
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	if strings.Contains(said.String(), "guests can't run here") {
		t.Skip(said.String())
	}
	if err == nil || !interrupted {
		t.Fatalf("the build ended with %v, interrupted: %v\n%s", err, interrupted, said.String())
	}
	compute, err := w.cloud.Compute()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := servers.List(compute, nil).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left, err := servers.ExtractServers(pages); err != nil || len(left) > 0 {
		t.Errorf("%d servers are left, %v\n%s", len(left), err, said.String())
	}
}
