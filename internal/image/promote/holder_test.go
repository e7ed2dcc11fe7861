package promote

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestHolderIsGone(t *testing.T) {
	t.Parallel()
	if here() == "" {
		t.Skip("only Linux tells enough about processes")
	}
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := holder{"here", cmd.Process.Pid, scene(cmd.Process.Pid)}
	if h.gone() || (holder{"here", os.Getpid(), scene(os.Getpid())}).gone() {
		t.Error("a process that runs counts as gone")
	}
	if other := (holder{"here", h.pid, here() + "/1"}); !other.gone() {
		t.Error("another process with the pid counts as the holder")
	}
	if elsewhere := (holder{"elsewhere", h.pid, "boot/pid:[1]/1"}); elsewhere.gone() {
		t.Error("a process of another machine counts as gone")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Nobody has waited for it, so the system still has an entry of it.
	for deadline := time.Now().Add(10 * time.Second); !h.gone(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a process that was killed doesn't count as gone")
		}
	}
	_ = cmd.Wait() // it was killed
	if !h.gone() {
		t.Error("a process that isn't there doesn't count as gone")
	}
}
