//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// spawn runs a program and answers its exit status. stdin nil is the caller's own; environ nil likewise.
func (p *Proc) spawn(args []string, stdin io.Reader, environ []string) int {
	if environ == nil {
		environ = p.Environ
	}
	file, err := Which(args[0], environ, p.Dir)
	if err != nil {
		fmt.Fprintf(p.Err, "%s: %v\n", p.Name, err)
		return 127
	}
	if stdin == nil {
		stdin = p.In
	}
	cmd := exec.CommandContext(p.Ctx, file)
	cmd.Args, cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = args, environ, p.Dir, stdin, p.Out, p.Err
	return p.wait(cmd)
}

// wait runs cmd; one that isn't in a format that the kernel knows is a shell script.
func (p *Proc) wait(cmd *exec.Cmd) int {
	err := cmd.Run()
	if errors.Is(err, syscall.ENOEXEC) {
		script := exec.CommandContext(p.Ctx, "/bin/sh", append([]string{cmd.Path}, cmd.Args[1:]...)...)
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
		p.Fail(err)
		return 126
	}
}
