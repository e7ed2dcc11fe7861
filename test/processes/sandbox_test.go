// Package processes_test looks at the processes that imgctl starts, and at what is left of them.
package processes_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// running is `imgctl sandbox run` with a command that says when it is there.
type running struct {
	*exec.Cmd
	t      *testing.T
	dir    string // the command's, and that of temporary files
	mark   string // in the arguments of the command
	stderr string // file with what imgctl says
}

// start starts a command that traps signals as it says, and waits until it has.
func start(t *testing.T, traps, command string) *running {
	t.Helper()
	dir := t.TempDir()
	r := &running{t: t, dir: dir, mark: "mark-" + string(cloud.NewRun()), stderr: filepath.Join(t.TempDir(), "stderr")}
	r.Cmd = packertest.New(t).Around(t, filepath.Join(packertest.Root(), "bin", "imgctl"),
		"sandbox", "run", "--ssh-port", "2222", "--no-guests", "--", "sh", "-c", traps+"\necho > ready\n"+command, r.mark)
	stderr, err := os.Create(r.stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stderr.Close() })
	r.Stderr = stderr
	r.Dir = dir
	tmp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	r.Env = append(r.Env, "TMPDIR="+tmp, "HOME="+dir, "XDG_CACHE_HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir,
		"XDG_RUNTIME_DIR="+tmp)
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	r.await("the command to run", func() bool {
		_, err := os.Stat(filepath.Join(dir, "ready"))
		return err == nil
	})
	if len(r.processes()) == 0 {
		t.Fatal("the command's processes can't be told")
	}
	return r
}

func (r *running) await(what string, done func() bool) {
	r.t.Helper()
	err := cloud.Poll(r.t.Context(), what, 2*time.Minute, func(context.Context) (bool, error) { return done(), nil })
	if err != nil {
		r.t.Fatal(err, r.processes())
	}
}

// processes are those whose arguments have the mark, or that work in the folder.
func (r *running) processes() (found []string) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range all {
		args, _ := os.ReadFile(p + "/cmdline") // empty for a process that has ended
		cwd, _ := os.Readlink(p + "/cwd")
		if len(args) > 0 && (strings.Contains(string(args), r.mark) || cwd == r.dir) {
			found = append(found, fmt.Sprintf("%s: %q in %s", p, args, cwd))
		}
	}
	return found
}

func (r *running) signal(s os.Signal) {
	r.t.Helper()
	if err := r.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// An imgctl that is killed leaves neither a process nor a sandbox.
func TestKilledHostLeavesNothing(t *testing.T) {
	t.Parallel()
	r := start(t, "", "sleep 300")
	r.signal(syscall.SIGKILL)
	_ = r.Wait() // it was killed
	r.await("all processes to end", func() bool { return len(r.processes()) == 0 })
	r.await("the sandbox's folder to be removed", func() bool {
		left, err := filepath.Glob(filepath.Join(r.dir, "tmp", "imgctl-sandbox-*"))
		return err == nil && len(left) == 0
	})
}

// The command hears of a Ctrl-C once, and its status is imgctl's.
func TestInterruptReachesTheCommandOnce(t *testing.T) {
	t.Parallel()
	r := start(t, `trap 'n=x$n' INT`, `while [ -z "$n" ]; do sleep 0.05; done; sleep 1; [ $n = x ] && exit 9; exit 10`)
	r.signal(os.Interrupt)
	_ = r.Wait() // the status tells
	if code := r.ProcessState.ExitCode(); code != 9 {
		t.Errorf("ended with %d, want 9", code)
	}
	r.await("all processes to end", func() bool { return len(r.processes()) == 0 })
}

// A command that doesn't hear is left to itself by the second Ctrl-C, and ends all the same.
func TestSecondInterruptAbandons(t *testing.T) {
	t.Parallel()
	r := start(t, `trap '' INT`, `while :; do sleep 0.05; done`)
	r.signal(os.Interrupt)
	r.await("the first signal to be heard", func() bool {
		said, err := os.ReadFile(r.stderr)
		return err == nil && strings.Contains(string(said), "Stopping")
	})
	time.Sleep(600 * time.Millisecond) // of two signals within half a second, the second doesn't count
	r.signal(os.Interrupt)
	_ = r.Wait() // the status tells
	if code := r.ProcessState.ExitCode(); code != 130 {
		t.Errorf("ended with %d, want 130", code)
	}
	r.await("all processes to end", func() bool { return len(r.processes()) == 0 })
}
