package launch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
)

// handshakeLine is what go-plugin waits for on the plugin's standard output.
var handshakeLine = regexp.MustCompile(`^\d+\|\d+\|[a-z]+\|[^|]+\|`)

// runner starts the plugin's process as go-plugin's own does not: in a process group of its own,
// so that Ctrl-C reaches the host alone; without the terminal as its standard input; and from the
// open file whose checksum was taken, whatever the path says by now.
type runner struct {
	cmd    *exec.Cmd
	name   string
	socket string // the folder that the plugin's socket has to be in
	noise  *lines

	stdout, stderr io.ReadCloser
	handshake      *io.PipeReader

	mu   sync.Mutex
	pid  int
	gone bool // the process was waited for
	exit string
}

func newRunner(spec Spec, env []string, socket string, noise *lines) *runner {
	cmd := &exec.Cmd{
		Path: spec.File.Name(), Args: []string{spec.Path}, Env: env, Dir: "/",
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if path, ok := byDescriptor(spec.File); ok {
		cmd.Path, cmd.ExtraFiles = path, []*os.File{spec.File}
	}
	return &runner{cmd: cmd, name: spec.Name, socket: socket, noise: noise}
}

// Start starts the process.
func (r *runner) Start(context.Context) error {
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if r.stderr, err = r.cmd.StderrPipe(); err != nil {
		return err
	}
	r.stdout = stdout
	var w *io.PipeWriter
	r.handshake, w = io.Pipe()
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", r.cmd.Args[0], err)
	}
	r.mu.Lock()
	r.pid = r.cmd.Process.Pid
	r.mu.Unlock()
	go r.listen(stdout, w)
	return nil
}

// listen passes the handshake on and takes everything else for noise, so that a plugin which
// prints something first works all the same.
func (r *runner) listen(stdout io.Reader, w *io.PipeWriter) {
	defer w.Close()
	in := bufio.NewReaderSize(stdout, longest)
	for shaken := false; ; {
		line, err := in.ReadSlice('\n')
		if !shaken && err == nil && handshakeLine.Match(line) {
			shaken = true
			_, _ = w.Write(line)
		} else {
			_, _ = r.noise.Write(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			r.noise.end()
			return
		}
	}
}

// Wait waits for the process, and ends what it left in its group.
func (r *runner) Wait(context.Context) error {
	err := r.cmd.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exit = r.cmd.ProcessState.String()
	_ = syscall.Kill(-r.pid, syscall.SIGKILL)
	r.gone = true
	return err
}

// Kill ends the process and all of its group.
func (r *runner) Kill(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pid == 0 || r.gone {
		return nil
	}
	if err := syscall.Kill(-r.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// status says how the process ended; "" while it runs.
func (r *runner) status() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exit
}

// Stdout is the handshake, and nothing else of the plugin's standard output.
func (r *runner) Stdout() io.ReadCloser { return r.handshake }

// Stderr is the plugin's standard error.
func (r *runner) Stderr() io.ReadCloser { return r.stderr }

// Name is the plugin's.
func (r *runner) Name() string { return r.name }

// ID is the process's number.
func (r *runner) ID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pid == 0 {
		return ""
	}
	return strconv.Itoa(r.pid)
}

// Diagnose has nothing to add: who asked for the start says what came of it.
func (r *runner) Diagnose(context.Context) string { return "" }

// PluginToHost refuses every address but a socket in the private folder: the connection isn't
// encrypted, and carries tokens.
func (r *runner) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Clean(address)) != filepath.Clean(r.socket) {
		return "", "", fmt.Errorf("it listens at %s %s, not in the folder it was given", network, address)
	}
	return network, address, nil
}

// HostToPlugin is the same address.
func (r *runner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
