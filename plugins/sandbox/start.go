package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// start is the function of a command that runs the sandbox's program.
func start(command string) func(context.Context, *sdk.Input, *sdk.Output) error {
	return func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this program's path: %w", err)
		}
		late, cancel := sdk.Cleanup(ctx) // the program has until then to stop
		defer cancel()
		args := slices.Concat([]string{programArg, command}, arguments(in, command))
		cmd := exec.CommandContext(late, self, args...) // #nosec G204 -- this program itself
		cmd.Dir, cmd.Env = in.WorkDir(), environment(in)
		cmd.Stdout, cmd.Stderr = out.Stdout(), out.Stderr()
		return supervise(ctx, cmd, input(in, command))
	}
}

// input is what the program reads: only a command that is run has any.
func input(in *sdk.Input, command string) io.Reader {
	if command != "run" {
		return nil
	}
	return in.Stdin()
}

// arguments are the flags and arguments as the program takes them.
func arguments(in *sdk.Input, command string) []string {
	args := []string{
		"--addr", in.String("addr"), "--dir", in.Path(in.String("dir")), "--transition", in.Duration("transition").String(),
		"--ssh-port", strconv.Itoa(in.Int("ssh-port")), "--faults", in.File("faults"), "--no-guests=" +
			strconv.FormatBool(in.Bool("no-guests")),
	}
	args = append(args, "--page-size", strconv.Itoa(in.Int("page-size")), "--clock-offset", in.Duration("clock-offset").String())
	if log := in.String("request-log"); log != "" {
		args = append(args, "--request-log", in.Path(log))
	}
	for _, quota := range in.Strings("quota") {
		args = append(args, "--quota", quota)
	}
	for _, image := range in.Strings("image") {
		args = append(args, "--image", image)
	}
	if command == "run" {
		args = append(args, "--cloud", in.String("cloud"), "--")
		args = append(args, in.Args()...)
	}
	return args
}

// environment is the user's, which the host hands over without what belongs to a cloud.
func environment(in *sdk.Input) []string {
	user := in.Environment()
	var env []string
	for _, key := range slices.Sorted(maps.Keys(user)) {
		env = append(env, key+"="+user[key])
	}
	return env
}

// supervise runs the program and ends with its exit status. When the user interrupts it, it is
// asked to stop.
func supervise(ctx context.Context, cmd *exec.Cmd, stdin io.Reader) error {
	// The signal at the parent's death comes when the thread ends that started the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dieWithParent(cmd)
	if stdin != nil {
		pipe, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(pipe, stdin) // ends with the input, or when the program doesn't read any more
			pipe.Close()
		}()
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the sandbox: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(os.Interrupt) })
	defer stop()
	return statusOf(cmd.Wait())
}

// statusOf is the exit status of a program as a shell has it.
func statusOf(err error) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return sdk.Exit(128 + int(w.Signal()))
	}
	return sdk.Exit(exit.ExitCode())
}
