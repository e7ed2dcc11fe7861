package baremetal_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// childEnv tells a child of this test its clouds.yaml, its run, and the image to deploy.
const childEnv = "IMGCTL_BAREMETAL_TEST"

func TestMain(m *testing.M) {
	text := os.Getenv(childEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	args := strings.Split(text, "\n")
	if err := child(context.Background(), args[0], args[1], args[2], args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child runs a test in a process of its own.
func child(ctx context.Context, file, run, image, how string) error {
	c, err := cloudtest.Open(ctx, file, "admin")
	if err != nil {
		return err
	}
	s, err := baremetal.NewSite(c, "", cloud.Run(run))
	if err != nil {
		return err
	}
	s.Pace = change.Pace{First: 2 * time.Millisecond, Max: 10 * time.Millisecond}
	plan, err := baremetal.NewTest(ctx, s, baremetal.TestOptions{
		Selection: baremetal.Selection{Type: nodeType}, Direct: strings.Contains(how, "direct"),
		Provide: strings.Contains(how, "manageable"),
		Image:   image, Deploy: time.Minute, Clean: time.Minute,
	})
	if err != nil {
		return err
	}
	return plan.Apply(ctx, discard)
}

// Killed at any request, before or after the service carried it out, a test is ended from another machine, and the
// node is as it was.
func TestKilledAtAnyRequest(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: runs the test many times")
	}
	for _, tt := range []struct{ how, mishap string }{
		{"direct", ""},
		{"direct", sandbox.RamdiskFailsDeploy},
		{"direct", sandbox.RamdiskFailsClean},
		{"by Nova", ""},
		{"by Nova", sandbox.RamdiskFailsDeploy},
		{"manageable direct", ""},
		{"manageable by Nova", sandbox.RamdiskFailsClean},
	} {
		t.Run(tt.how+" "+tt.mishap, func(t *testing.T) {
			t.Parallel()
			for nth := 1; ; nth++ {
				state := "available"
				if strings.HasPrefix(tt.how, "manageable") {
					state = "manageable"
				}
				w := start(t, tt.mishap, sandbox.Node{Kernel: "none", State: state})
				run := cloud.NewRun()
				if !w.killed(t, string(run), tt.how, nth) {
					if nth < 15 {
						t.Errorf("the test was over before its request %d", nth)
					}
					t.Logf("killed at %d requests", nth-1)
					return
				}
				o := baremetal.RollbackOptions{Run: string(run), Clean: time.Minute}
				back, err := baremetal.NewRollback(t.Context(), w.site(), o)
				if err == nil {
					if back.Loss() == "" && !back.Done() {
						t.Error("ending a test asks nothing")
					}
					err = back.Apply(t.Context(), discard)
				} else if n, _ := w.Node("node-1"); n.State == state && n.InstanceUUID == "" && n.Ramdisk == "" && n.Kernel == "" {
					err = nil // it has nothing to roll back
				}
				if err != nil {
					t.Fatalf("killed at request %d: %v", nth, err)
				}
				if w.is("node-1", baremetal.Refs{}, state); t.Failed() {
					t.Fatalf("killed at request %d", nth)
				}
			}
		})
	}
}

// killed runs a child and kills it at its nth request to Ironic or Nova; false if it ended before.
func (w *world) killed(t *testing.T, run, how string, nth int) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{w.CloudsYAML(), run, w.osImage, how}, "\n"))
	var dead sync.WaitGroup
	started, was := make(chan struct{}), false
	end := func(*http.Request) {
		<-started
		was = true
		_ = cmd.Process.Kill()
		dead.Wait()
	}
	rule := sandbox.Rule{Path: "^/(baremetal|compute)/", Nth: (nth + 1) / 2, Fault: sandbox.Fault{Do: sandbox.DropBefore, Before: end}}
	if nth%2 == 0 {
		rule.Fault = sandbox.Fault{Do: sandbox.DropAfter, After: end}
	}
	w.Faults().Add(rule)
	defer w.Faults().Clear()
	dead.Add(1)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	_ = cmd.Wait() // it was killed, or not
	dead.Done()
	return was
}
