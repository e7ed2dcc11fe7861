//go:build linux

package shell

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// spawn runs a program and answers its exit status. stdin nil is the caller's own; environ nil likewise.
func (p *proc) spawn(args []string, stdin io.Reader, environ []string) int {
	if environ == nil {
		environ = p.environ
	}
	file, err := Which(args[0], environ, p.dir)
	if err != nil {
		fmt.Fprintf(p.err, "%s: %v\n", p.name, err)
		return 127
	}
	if stdin == nil {
		stdin = p.in
	}
	cmd := exec.CommandContext(p.ctx, file)
	cmd.Args, cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = args, environ, p.dir, stdin, p.out, p.err
	return p.wait(cmd)
}

// wait runs cmd; one that isn't in a format that the kernel knows is a shell script.
func (p *proc) wait(cmd *exec.Cmd) int {
	err := cmd.Run()
	if errors.Is(err, syscall.ENOEXEC) {
		script := exec.CommandContext(p.ctx, "/bin/sh", append([]string{cmd.Path}, cmd.Args[1:]...)...)
		script.Env, script.Dir, script.Stdin, script.Stdout, script.Stderr = cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr
		err = script.Run()
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		if st, ok := exit.Sys().(syscall.WaitStatus); ok && st.Signaled() {
			return 128 + int(st.Signal())
		}
		return exit.ExitCode()
	default:
		p.fail(err)
		return 126
	}
}
