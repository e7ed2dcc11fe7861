//go:build unix

package packer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// run runs the command in a process group of its own. If the context ends, the group is interrupted as a terminal
// would: Packer cleans up, and scripts that it runs on this machine end. What is left of the group when Packer has
// ended is killed.
func run(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	out, err := newOutput(cmd)
	if err != nil {
		return err
	}
	defer out.close()
	if err := cmd.Start(); err != nil {
		return err
	}
	out.copy()
	group := cmd.Process.Pid
	release, err := guard(group, cmd.WaitDelay, out.from)
	if err != nil {
		_ = cmd.Cancel()
		return errors.Join(fmt.Errorf("watching over the build: %w", err), cmd.Wait())
	}
	err = cmd.Wait()
	_ = syscall.Kill(-group, syscall.SIGKILL)
	release()
	return err
}

// output are the pipes of a command's output. They are made here since the guard has them, too: a build whose reader
// has died must not die of that before it has cleaned up.
type output struct {
	from, to []*os.File
	into     []io.Writer
	copied   sync.WaitGroup
}

func newOutput(cmd *exec.Cmd) (*output, error) {
	o := &output{into: []io.Writer{cmd.Stdout, cmd.Stderr}}
	for range o.into {
		r, w, err := os.Pipe()
		if err != nil {
			o.close()
			return nil, err
		}
		o.from, o.to = append(o.from, r), append(o.to, w)
	}
	cmd.Stdout, cmd.Stderr = o.to[0], o.to[1]
	return o, nil
}

// copy begins to copy what the command says. The command has the other ends now.
func (o *output) copy() {
	for n, r := range o.from {
		o.to[n].Close()
		o.copied.Go(func() { _, _ = io.Copy(o.into[n], r) })
	}
}

// rest is how long output may still come when the command has ended: a process in another group may hold the pipe.
const rest = 5 * time.Second

func (o *output) close() {
	done := time.AfterFunc(rest, func() {
		for _, r := range o.from {
			r.Close()
		}
	})
	o.copied.Wait()
	done.Stop()
	for _, f := range append(o.from, o.to...) {
		f.Close()
	}
}

// guarding interrupts the process group $1 when its input ends, and kills what is left after $2 seconds. It reads the
// build's output meanwhile.
const guarding = `read -r _
cat <&3 >/dev/null &
cat <&4 >/dev/null &
kill -s INT -- "-$1"
n=0
while kill -s 0 -- "-$1" && [ "$n" -lt "$2" ]; do sleep 1; n=$((n + 1)); done
kill -s KILL -- "-$1"`

// guard has a process group interrupted if this process is killed, until release.
func guard(group int, cleanup time.Duration, output []*os.File) (release func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	args := []string{"-c", guarding, "sh", strconv.Itoa(group), strconv.Itoa(int(cleanup.Seconds()))}
	guard := exec.Command("/bin/sh", args...) //nolint:noctx // it outlives this process
	guard.Stdin, guard.ExtraFiles = r, output
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := guard.Start(); err != nil {
		w.Close()
		return nil, err
	}
	return func() {
		_ = guard.Process.Kill()
		_ = guard.Wait()
		w.Close()
	}, nil
}
