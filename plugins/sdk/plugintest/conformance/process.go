package conformance

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// How long a plugin may take until its handshake: for the rule about it, in one of a few tries, and otherwise, where
// a machine that has a lot to do mustn't break the rule that is judged.
const (
	startWithin  = 5 * time.Second
	startTries   = 3
	startTimeout = time.Minute
)

// Process is a plugin that runs, in a process group of its own, without standard input.
type Process struct {
	// Client talks to it.
	Client pluginv1.PluginClient

	client *plugin.Client
	run    *pluginRunner
}

// Start starts the plugin and waits for its handshake. Its environment is what the handshake needs
// and env; the caller ends it with Kill.
func Start(path string, env ...string) (*Process, error) { return start(path, startTimeout, env) }

func start(path string, within time.Duration, env []string) (*Process, error) {
	p := &Process{}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake.Config(),
		VersionedPlugins: handshake.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		SkipHostEnv:      true,
		StartTimeout:     within,
		// At any other level go-plugin parses what the plugin writes to standard error, and panics on
		// some of it.
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		RunnerFunc: func(_ hclog.Logger, spec *exec.Cmd, _ string) (runner.Runner, error) {
			run, err := newRunner(path, append(spec.Env, env...))
			p.run = run
			return run, err
		},
	})
	protocol, err := p.client.Client()
	if err == nil {
		var dispensed any
		if dispensed, err = protocol.Dispense(handshake.Service); err == nil {
			p.Client = dispensed.(pluginv1.PluginClient)
			return p, nil
		}
	}
	p.Kill()
	return nil, fmt.Errorf("starting %s: %w%s", path, err, p.said())
}

// Kill ends the plugin and all that it started.
func (p *Process) Kill() {
	p.client.Kill()
	if p.run != nil {
		_ = p.run.Kill(context.Background())
	}
}

// Abandon does what the kernel does to a plugin whose host is killed: its connection and its pipes
// are closed, and its parent is another process.
func (p *Process) Abandon() {
	if protocol, err := p.client.Client(); err == nil {
		if g, ok := protocol.(*plugin.GRPCClient); ok {
			_ = g.Conn.Close()
		}
	}
	_ = p.run.cmd.Process.Kill() // the shell between us and the plugin
	p.run.closePipes()
}

// Stderr is what the plugin wrote to its standard error.
func (p *Process) Stderr() string { return p.run.stderr.String() }

// said is the end of what the plugin wrote to its standard error, for a message.
func (p *Process) said() string {
	if p.run == nil || p.run.stderr.String() == "" {
		return ""
	}
	text := p.run.stderr.String()
	return "; its standard error ends with: " + text[max(0, len(text)-300):]
}

// pluginRunner is go-plugin's way to start a process: a shell in a process group of its own, which
// starts the plugin, so that the plugin's parent can be killed without it.
type pluginRunner struct {
	cmd       *exec.Cmd
	outR, out *os.File
	errR, err *os.File
	handshake io.ReadCloser
	stderr    *tail
	path      string
	wait      func() error
}

func newRunner(path string, env []string) (*pluginRunner, error) {
	r := &pluginRunner{path: path, stderr: &tail{}}
	var err error
	if r.outR, r.out, err = os.Pipe(); err != nil {
		return nil, err
	}
	if r.errR, r.err, err = os.Pipe(); err != nil {
		return nil, err
	}
	r.cmd = exec.Command("/bin/sh", "-c", `"$0" & wait $!`, path) //nolint:noctx // it lives until Kill
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = env, r.out, r.err
	r.cmd.Dir = os.TempDir()
	r.cmd.SysProcAttr = ownGroup()
	r.wait = sync.OnceValue(r.cmd.Wait)
	return r, nil
}

func (r *pluginRunner) Start(context.Context) error {
	err := r.cmd.Start()
	_, _ = r.out.Close(), r.err.Close()
	if err != nil {
		return err
	}
	line, passOn := io.Pipe()
	r.handshake = line
	go func() {
		// go-plugin gets the first line only: a later one that is too long would stop it from reading.
		out := bufio.NewReader(r.outR)
		first, err := out.ReadString('\n')
		_, _ = io.WriteString(passOn, first)
		_, _ = io.Copy(io.Discard, out)
		_ = passOn.CloseWithError(err)
	}()
	return nil
}

func (r *pluginRunner) Stdout() io.ReadCloser { return r.handshake }

func (r *pluginRunner) Stderr() io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(r.errR, r.stderr), r.errR}
}

func (r *pluginRunner) Wait(context.Context) error { return r.wait() }

// Kill ends the group.
func (r *pluginRunner) Kill(context.Context) error {
	if r.cmd.Process != nil {
		killGroup(r.cmd.Process)
	}
	return nil
}

func (r *pluginRunner) closePipes() { _, _ = r.outR.Close(), r.errR.Close() }

func (r *pluginRunner) Diagnose(context.Context) string { return "" }
func (r *pluginRunner) Name() string                    { return r.path }
func (r *pluginRunner) ID() string                      { return strconv.Itoa(r.cmd.Process.Pid) }

func (r *pluginRunner) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (r *pluginRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// tail keeps the last megabyte of what was written.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	if over := t.text.Len() - 1<<20; over > 0 {
		t.text.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// Left are the ids of the processes in the plugin's group that are still there when the time is
// over; none as soon as all have ended.
func (p *Process) Left(ctx context.Context, within time.Duration) []int {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		left := p.pids()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return left
		case <-again.C:
		}
	}
}
