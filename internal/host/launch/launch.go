// Package launch starts a plugin's process and connects to it. It works around go-plugin's defaults:
// go-plugin shares the terminal with the plugin, parses the plugin's standard error in a way that can
// crash the host, gives a plugin two seconds to exit, passes on the whole environment, and doesn't keep
// the plugin's output in order.
package launch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	goplugin "github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// StartTimeout is how long a plugin may take to print where it listens.
const StartTimeout = 5 * time.Second

// debuggerTimeout is StartTimeout for a plugin that a debugger is attached to first.
const debuggerTimeout = time.Hour

// closeTimeout is how long a plugin may take to exit when asked.
const closeTimeout = 2 * time.Second

// tail is how many of the last lines of standard error are kept for a message about a crash.
const tail = 20

// MaxMessage is the maximum size of a plugin's message, in bytes: a row, a piece of output, a manifest.
const MaxMessage = 16 << 20

// Spec says what to start.
type Spec struct {
	Name string
	Path string   // for messages, and the plugin's own name of itself
	File *os.File // open for reading, the file that was checked; the caller closes it

	SHA256 string // the file's, as it was checked
	// Started is called when the process runs. It reports whether the open file still is as it was when
	// it was checked; if not, the process is ended.
	Started func() bool

	// Debugger, if there is one, is called with the process's number; the plugin then waits for a debugger to be attached.
	Debugger func(pid int)

	// Line takes each line that the plugin writes to its standard output or error. It is called
	// from goroutines of its own.
	Line func(string)
}

// Process is a running plugin.
type Process struct {
	pluginv1.PluginClient

	name   string
	remove func() // the folder of its socket, if that is its own
	client *plugin.Client
	stderr *lines

	mu        sync.Mutex
	runner    *runner // nil until go-plugin asks for it
	abandoned bool
	last      []string // lines of standard error
	printed   string   // the first line of standard output that isn't the handshake
}

// Start starts the plugin and connects to it. The error says in one line what is wrong with it.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	folder, remove, err := socketFolder()
	if err != nil {
		return nil, err
	}
	p := &Process{name: spec.Name, remove: remove}
	p.stderr = &lines{sink: func(line string) {
		p.remember(line)
		spec.Line(line)
	}}
	noise := &lines{sink: func(line string) {
		p.print(line)
		spec.Line(line)
	}}
	env, patience := environment(os.Environ()), StartTimeout
	if spec.Debugger != nil {
		env, patience = append(env, handshake.WaitKey+"=1"), debuggerTimeout
	}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake.Config(),
		VersionedPlugins: handshake.Plugins(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, socket string) (goplugin.Runner, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.abandoned {
				return nil, errAbandoned
			}
			p.runner = newRunner(spec, append(env, cmd.Env...), socket, noise)
			return p.runner, nil
		},
		// Off also means that the lines of standard error aren't parsed as a log, which panics
		// on some of them.
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		Stderr:           p.stderr,
		SyncStdout:       noise,
		SyncStderr:       p.stderr,
		SkipHostEnv:      true,
		GRPCDialOptions:  []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage))},
		StartTimeout:     patience,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: folder},
	})
	if err := p.connect(ctx); err != nil {
		p.Close()
		return nil, p.explain(err)
	}
	return p, nil
}

// connect waits for the plugin as long as ctx allows.
func (p *Process) connect(ctx context.Context) error {
	var err error
	connected := make(chan struct{})
	go func() {
		defer close(connected)
		var protocol plugin.ClientProtocol
		if protocol, err = p.client.Client(); err != nil {
			return
		}
		var served any
		if served, err = protocol.Dispense(handshake.Service); err == nil {
			p.PluginClient = served.(pluginv1.PluginClient)
		}
	}()
	select {
	case <-connected:
		return err
	case <-ctx.Done():
		p.Abandon()
		<-connected
		return ctx.Err()
	}
}

func (p *Process) remember(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = append(p.last, line)
	if len(p.last) > tail {
		p.last = slices.Delete(p.last, 0, 1)
	}
}

// print notes the first line of what the plugin prints apart from the handshake.
func (p *Process) print(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.printed = cmp.Or(p.printed, line)
}

// Tail is what the plugin last wrote to its standard error.
func (p *Process) Tail() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.last)
}

// Crashed describes how the plugin ended unexpectedly, with its last output.
func (p *Process) Crashed() error {
	p.Close() // to know the status
	text := fmt.Sprintf("plugin %q ended without an outcome", p.name)
	if status := p.runner.status(); status != "" {
		text += " (" + status + ")"
	}
	if last := p.Tail(); len(last) > 0 {
		text += ", after saying:\n  " + strings.Join(last, "\n  ")
	}
	return fault.New(fault.Internal, "", "%s", text)
}

// Close asks the plugin to exit, and kills it if it doesn't. It may be called again.
func (p *Process) Close() {
	// go-plugin waits for the plugin's answer without a limit.
	timer := time.AfterFunc(closeTimeout, p.Abandon)
	defer timer.Stop()
	p.client.Kill()
	p.stderr.end()
	p.remove()
}

// errAbandoned keeps a plugin from being started.
var errAbandoned = errors.New("it was abandoned before it started")

// Abandon kills the plugin and everything it has started. If the plugin is about to start, it doesn't.
func (p *Process) Abandon() {
	p.mu.Lock()
	p.abandoned = true
	runner := p.runner
	p.mu.Unlock()
	if runner != nil {
		_ = runner.Kill(context.Background())
	}
}

// PID is the number of the plugin's process.
func (p *Process) PID() string { return p.runner.ID() }
