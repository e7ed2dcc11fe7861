package promote

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestOwnerProcessHasEnded(t *testing.T) {
	t.Parallel()
	if pidSpace() == "" {
		t.Skip("only Linux tells enough about processes")
	}
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := process{"here", cmd.Process.Pid, identity(cmd.Process.Pid)}
	if p.ended() || (process{"here", os.Getpid(), identity(os.Getpid())}).ended() {
		t.Error("a process that runs counts as ended")
	}
	if other := (process{"here", p.pid, pidSpace() + "/1"}); !other.ended() {
		t.Error("another process with the pid counts as the owner")
	}
	if elsewhere := (process{"elsewhere", p.pid, "boot/pid:[1]/1"}); elsewhere.ended() {
		t.Error("a process of another machine counts as ended")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Nobody has waited for it, so the system still has an entry of it.
	for deadline := time.Now().Add(2 * time.Minute); !p.ended(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a process that was killed doesn't count as ended")
		}
	}
	_ = cmd.Wait() // it was killed
	if !p.ended() {
		t.Error("a process that isn't there doesn't count as ended")
	}
}
