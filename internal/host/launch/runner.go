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
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// handshakeLine is what go-plugin waits for on the plugin's standard output.
var handshakeLine = regexp.MustCompile(`^\d+\|\d+\|[a-z]+\|[^|]+\|`)

// runner differs from go-plugin's own: it starts the plugin in a session of its own, without the terminal as
// its standard input, so that Ctrl-C reaches only the host and the plugin has no /dev/tty; and it executes the
// open file whose checksum was taken, even if the path now names another.
type runner struct {
	spec   Spec
	env    []string
	name   string
	socket string // the folder that the plugin's socket has to be in
	noise  *lines

	stderr    io.ReadCloser
	handshake *io.PipeReader
	listened  chan struct{} // closed when the standard output has ended

	mu   sync.Mutex
	cmd  *exec.Cmd // nil until it is started
	pid  int
	gone bool // the process was waited for
	dead bool // it was killed, maybe before it was started
	exit string
}

func newRunner(spec Spec, env []string, socket string, noise *lines) *runner {
	return &runner{spec: spec, env: env, name: spec.Name, socket: socket, noise: noise}
}

// A file that was written just now can't be executed as long as a process that was forked
// meanwhile still has it open.
const (
	busyTries = 20
	busyWait  = 25 * time.Millisecond
)

// outputWait is how long the end of the standard output is waited for once standard error has ended: a process that
// the plugin has left behind may keep it open.
const outputWait = time.Second

// Start starts the process.
func (r *runner) Start(ctx context.Context) error {
	program, ok := byDescriptor(r.spec.File)
	if !ok {
		var err error
		if program, err = privateCopy(r.spec, r.socket); err != nil {
			return fmt.Errorf("copying %s: %w", r.spec.Path, err)
		}
	}
	for try := 1; ; try++ {
		err := r.start(program, ok)
		if !errors.Is(err, syscall.ETXTBSY) || try == busyTries {
			return err
		}
		select {
		case <-time.After(busyWait):
		case <-ctx.Done():
			return err
		}
	}
}

func (r *runner) start(program string, byDescriptor bool) error {
	cmd := &exec.Cmd{
		Path: program, Args: []string{r.spec.Path}, Env: r.env, Dir: "/",
		SysProcAttr: ownSession(),
	}
	if byDescriptor {
		cmd.ExtraFiles = []*os.File{r.spec.File}
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dead {
		return errAbandoned
	}
	if err := start(cmd); err != nil {
		return unable(r.spec, err)
	}
	// From now on nobody can write the file. Whoever did so after it was checked has come too early.
	if !r.spec.Started() && byDescriptor {
		_ = killGroup(cmd.Process.Pid)
		_ = cmd.Wait()
		endOrphans(cmd.Process.Pid)
		return fault.Wrap(fault.Forbidden, "try again", fmt.Errorf("starting %s: %w", r.spec.Path, errSwapped))
	}
	var w *io.PipeWriter
	r.handshake, w = io.Pipe()
	r.listened = make(chan struct{})
	r.stderr = stderr
	r.cmd, r.pid = cmd, cmd.Process.Pid
	go r.listen(stdout, w)
	if r.spec.Debugger != nil {
		r.spec.Debugger(r.pid)
	}
	return nil
}

// listen passes on the handshake and treats everything else as noise, so that a plugin that prints something
// first still works.
func (r *runner) listen(stdout io.Reader, w *io.PipeWriter) {
	defer close(r.listened)
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
	// The wait for the process ends its standard output, even if what it printed isn't read yet.
	select {
	case <-r.listened:
	case <-time.After(outputWait):
	}
	err := r.cmd.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exit = r.cmd.ProcessState.String()
	_ = killGroup(r.pid)
	endOrphans(r.pid)
	r.gone = true
	return err
}

// Kill kills the process and its group, or prevents its start.
func (r *runner) Kill(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = true
	if r.pid == 0 || r.gone {
		return nil
	}
	return killGroup(r.pid)
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

// Diagnose has nothing to add: the caller of Start reports the result.
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
