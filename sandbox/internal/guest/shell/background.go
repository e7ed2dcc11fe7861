//go:build linux

package shell

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// The interpreter runs background jobs in its own process, so they would end with the shell. A script that has any
// is therefore run by a second process, which tells the first one the script's status and stays for the jobs.

// statusFD is where the second process tells the status; backgroundMark in its environment says that it is one.
const (
	statusFD       = 3
	backgroundMark = "IMGCTL_SHELL_BACKGROUND=1"
)

func hasBackground(file *syntax.File) bool {
	found := false
	syntax.Walk(file, func(n syntax.Node) bool {
		if s, ok := n.(*syntax.Stmt); ok && s.Background {
			found = true
		}
		return !found
	})
	return found
}

// isSecond reports whether this process is a second one, and hides that from its children.
func isSecond() bool {
	name, value, _ := strings.Cut(backgroundMark, "=")
	if os.Getenv(name) != value {
		return false
	}
	_ = os.Unsetenv(name)
	syscall.CloseOnExec(statusFD)
	return true
}

// runSecond runs this same call by a second process and answers the script's status. script is its text where the
// process can't read it again.
func runSecond(p *userland.Proc, script string) int {
	args := append([]string{p.Name}, p.Args...)
	if script != "" {
		c, err := parseCall(p.Args)
		if err != nil {
			return 2
		}
		args = slices.Concat([]string{p.Name}, c.options, []string{"-c", script, p.Name}, c.rest)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return p.Fail(err)
	}
	defer r.Close()
	cmd := &exec.Cmd{
		Path: control.AgentDir + "/agent", Args: args, Env: append(os.Environ(), backgroundMark), Dir: p.Dir,
		Stdin: p.In, Stdout: p.Out, Stderr: p.Err, ExtraFiles: []*os.File{w},
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	if err := cmd.Start(); err != nil {
		w.Close()
		return p.Fail(err)
	}
	w.Close()
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	var code [1]byte
	if _, err := io.ReadFull(r, code[:]); err == nil {
		return int(code[0])
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		if st, ok := exit.Sys().(syscall.WaitStatus); ok && st.Signaled() {
			return 128 + int(st.Signal())
		}
		return exit.ExitCode()
	}
	return 1
}

// stay tells the first process the status and waits for the background jobs.
func stay(p *userland.Proc, r *interp.Runner, code int) int {
	f := os.NewFile(statusFD, "status")
	_, _ = f.Write([]byte{byte(code)})
	f.Close()
	wait, err := syntax.NewParser().Parse(strings.NewReader("wait"), "")
	if err == nil {
		_ = r.Run(p.Ctx, wait.Stmts[0])
	}
	return code
}
