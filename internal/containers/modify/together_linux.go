package modify

import (
	"context"
	"os"
	"syscall"
)

// together starts a program in a process group of its own, which ends with this process, however
// that ends. What it mounts, root's program mounts for itself alone, so that nothing stays mounted
// after it.
func together(mounts bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if mounts && os.Getuid() == 0 {
		attr.Unshareflags = syscall.CLONE_NEWNS
	}
	return attr
}

// stop signals the program and all that it started.
func stop(p *os.Process, signal syscall.Signal) error { return syscall.Kill(-p.Pid, signal) }

// apart are the words that start root's program as the first process of a namespace: the kernel ends
// all processes of it together with the first, even those that are only being started, and none can
// leave it. Without root there are none: then only buildah itself is sure to end with this process.
func apart(ctx context.Context, p *programs) []string {
	file := p.has("unshare")
	if os.Getuid() != 0 || file == "" {
		return nil
	}
	words := []string{file, opt("fork"), opt("pid"), opt("mount-proc"), opt("kill-child")}
	try := command{name: "true", env: p.env(), mounts: true, under: words}
	if _, err := try.output(ctx); err != nil {
		return nil // not allowed here, as in some containers
	}
	return words
}
