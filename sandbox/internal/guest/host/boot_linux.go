package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/agent"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// Main serves every call of the agent's executable that is for a guest: pid 1, the built-in shell and its commands.
// It never returns from those; from any other it returns at once. Call it first thing in main with os.Args.
func Main(args []string) { agent.Main(args) }

// Guest is a booted server. Its methods may be called by several goroutines at once.
type Guest struct {
	cfg    Config
	ids    idMap
	events chan Event

	life sync.Mutex // held while the guest goes up or down

	mu        sync.Mutex
	proc      *process // nil while the guest is down
	listeners map[string]net.Listener
}

// process is one life of a guest, from boot to power-off.
type process struct {
	conn *control.Conn
	cmd  *exec.Cmd
	done chan struct{}   // closed when pid 1 and with it every process of the guest is gone
	asks control.Message // the agent's last wish: Poweroff, Reboot or Failed; valid after done
}

// Boot starts the guest of an instance folder and returns when it takes SSH connections. The guest goes on after
// ctx; it ends with Stop or Kill, by itself (see Events), or with this process.
func Boot(ctx context.Context, c Config) (*Guest, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	g := &Guest{cfg: c, ids: hostIDs(), events: make(chan Event, 8), listeners: map[string]net.Listener{}}
	if err := g.boot(ctx); err != nil {
		return nil, err
	}
	return g, nil
}

// Events tells what the guest does by itself. It is closed when the guest is down for good.
func (g *Guest) Events() <-chan Event { return g.events }

// boot starts a process of the guest. Not to be called while one is there.
func (g *Guest) boot(ctx context.Context) error {
	started := time.Now()
	p, err := g.start()
	if err != nil {
		return fmt.Errorf("booting guest %q: %w", g.cfg.UUID, explain(err))
	}
	ready := make(chan error, 1)
	go p.watch(ready)
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		p.kill()
		return fmt.Errorf("booting guest %q (after %v, see %s): %w", g.cfg.UUID, time.Since(started).Round(time.Millisecond), ConsoleLog(g.cfg.Dir), explain(err))
	}
	g.mu.Lock()
	g.proc = p
	g.mu.Unlock()
	go g.follow(p)
	return nil
}

// start forks pid 1 of the guest.
func (g *Guest) start() (*process, error) {
	cfg, err := g.agentConfig()
	if err != nil {
		return nil, err
	}
	var kit files
	defer kit.close()
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		UidMappings:                g.ids.mappings(os.Geteuid()),
		GidMappings:                g.ids.mappings(os.Getegid()),
		GidMappingsEnableSetgroups: !g.ids.single,
		Credential:                 &syscall.Credential{NoSetGroups: g.ids.single},
		Setsid:                     true,
	}
	executable := kit.open(g.cfg.Agent, unix.O_PATH)
	mine, theirs := kit.pair()
	passed := []*os.File{executable, theirs}
	path := g.cfg.Agent
	if mayDetachMounts() {
		// The guest's user may not be able to walk to these paths, so it gets them by descriptor.
		cfg.Root, cfg.Agent = "", ""
		path = fmt.Sprintf("/proc/self/fd/%d", control.FDExecutable)
		passed = append(passed, kit.config(cfg), kit.mount(Root(g.cfg.Dir)), kit.mount(g.cfg.Agent))
	} else {
		null := kit.open("/dev/null", unix.O_RDONLY)
		passed = append(passed, kit.config(cfg), null, null)
	}
	console := kit.open(ConsoleLog(g.cfg.Dir), os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	if kit.err != nil {
		return nil, kit.err
	}
	cmd := &exec.Cmd{
		Path: path, Args: []string{"imgctl-sandbox", "guest"}, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, Dir: "/",
		Stdout: console, Stderr: console, ExtraFiles: passed, SysProcAttr: attr,
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	conn, err := control.NewConn(mine)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	return &process{conn: conn, cmd: cmd, done: make(chan struct{})}, nil
}

func (g *Guest) agentConfig() (control.Config, error) {
	st, err := loadState(g.cfg.Dir)
	if err != nil {
		return control.Config{}, err
	}
	host := g.cfg.Hostname
	if host == "" {
		host = hostname(g.cfg.Name)
	}
	keys := slices.Collect(maps.Values(g.cfg.Keys))
	slices.Sort(keys)
	return control.Config{
		UUID: g.cfg.UUID, Hostname: host, Address: g.cfg.Address, AuthorizedKeys: keys, Password: g.cfg.Password,
		UserData: g.cfg.UserData, Documents: documents(g.cfg, host), ConfigDrive: g.cfg.ConfigDrive,
		FirstBoot: !st.Booted, HostKeys: st.HostKeys, SingleUser: g.ids.single, HostRoot: g.ids.single && os.Geteuid() == 0,
		Root: absolute(Root(g.cfg.Dir)), Agent: absolute(g.cfg.Agent),
	}, nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

var notHost = regexp.MustCompile(`[^a-z0-9.-]+`)

// hostname is Nova's way from a server's name to a host's.
func hostname(name string) string {
	name = strings.ToLower(strings.NewReplacer(" ", "-", "_", "-").Replace(name))
	name = strings.Trim(notHost.ReplaceAllString(name, ""), ".-")
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], ".-")
	}
	if name == "" {
		return "server"
	}
	return name
}

// files collects what the agent inherits; the first failure sticks.
type files struct {
	opened []*os.File
	err    error
}

func (k *files) add(fd int, name string, err error) *os.File {
	if err != nil {
		if k.err == nil {
			k.err = fmt.Errorf("preparing %s: %w", name, err)
		}
		return nil
	}
	f := os.NewFile(uintptr(fd), name)
	k.opened = append(k.opened, f)
	return f
}

func (k *files) open(path string, flags int) *os.File {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
	return k.add(fd, path, err)
}

// pair makes the control connection. Its first end isn't closed with the rest.
func (k *files) pair() (mine, theirs *os.File) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, k.add(-1, "the control connection", err)
	}
	return os.NewFile(uintptr(fds[0]), "control"), k.add(fds[1], "control", nil)
}

func (k *files) mount(path string) *os.File {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	return k.add(fd, path, err)
}

func (k *files) config(c control.Config) *os.File {
	b, err := json.Marshal(c)
	if err != nil {
		return k.add(-1, "the agent's configuration", err)
	}
	fd, err := unix.MemfdCreate("config", unix.MFD_CLOEXEC)
	f := k.add(fd, "the agent's configuration", err)
	if f == nil {
		return nil
	}
	_, err = f.Write(b)
	if err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil && k.err == nil {
		k.err = fmt.Errorf("preparing the agent's configuration: %w", err)
	}
	return f
}

func (k *files) close() {
	for _, f := range k.opened {
		f.Close()
	}
}

// watch reads what the agent says until it is gone. The first thing it says, or its end, goes to ready.
func (p *process) watch(ready chan<- error) {
	said := false
	tell := func(err error) {
		if !said {
			said = true
			ready <- err
		}
	}
	for {
		m, passed, err := p.conn.Receive()
		if err != nil {
			break
		}
		for _, f := range passed {
			f.Close()
		}
		switch m.Op {
		case control.Ready:
			tell(nil)
		case control.Failed:
			p.asks = m
			tell(errors.New(m.Error))
		case control.Poweroff, control.Reboot:
			p.asks = m
		}
	}
	err := p.cmd.Wait()
	p.conn.Close()
	// A process that calls reboot(2) in its own pid name space ends pid 1 with a signal that tells which way.
	if st, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && st.Signaled() && p.asks.Op == "" {
		switch st.Signal() {
		case syscall.SIGHUP:
			p.asks.Op = control.Reboot
		case syscall.SIGINT:
			p.asks.Op = control.Poweroff
		}
	}
	tell(fmt.Errorf("the agent ended: %w", errors.Join(err, syscall.ECHILD)))
	close(p.done)
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// follow acts on the end of p.
func (g *Guest) follow(p *process) {
	<-p.done
	g.life.Lock()
	defer g.life.Unlock()
	if g.running() != p {
		return // ended by the host
	}
	g.take()
	if p.asks.Op == control.Reboot {
		ctx, cancel := context.WithTimeout(context.Background(), bootTimeout)
		defer cancel()
		if err := g.boot(ctx); err == nil {
			g.events <- Rebooted
			return
		}
	}
	g.hangUp()
	if p.asks.Op == control.Poweroff {
		g.events <- Off
	} else {
		g.events <- Crashed
	}
	close(g.events)
}

// bootTimeout bounds a boot that nobody waits for.
const bootTimeout = 30 * time.Second

// Stop asks the guest's processes to end and waits until the guest is down; when ctx ends first it is killed.
func (g *Guest) Stop(ctx context.Context) error { return g.end(ctx, true) }

// Kill takes the guest down at once.
func (g *Guest) Kill() { _ = g.end(context.Background(), false) }

func (g *Guest) end(ctx context.Context, graceful bool) error {
	g.life.Lock()
	defer g.life.Unlock()
	g.hangUp()
	p := g.take()
	if p == nil {
		return nil
	}
	defer close(g.events)
	return p.end(ctx, graceful)
}

func (g *Guest) running() *process {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.proc
}

// take takes the running process away from the guest: who has it acts on its end. Nil when the guest is down.
func (g *Guest) take() *process {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.proc
	g.proc = nil
	return p
}

// stopGrace is how long the guest's processes have after SIGTERM.
const stopGrace = 2 * time.Second

func (p *process) end(ctx context.Context, graceful bool) error {
	defer p.conn.Close()
	if !graceful {
		p.kill()
		return nil
	}
	if err := p.conn.Send(control.Message{Op: control.Stop, Grace: stopGrace}); err != nil {
		p.kill()
		return nil
	}
	timer := time.NewTimer(2 * stopGrace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		p.kill()
		return nil
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("stopping the guest gracefully: %w", context.Cause(ctx))
	}
}

// Reboot stops the guest, hard means without asking, and boots it again with the same root file system.
func (g *Guest) Reboot(ctx context.Context, hard bool) error {
	g.life.Lock()
	defer g.life.Unlock()
	p := g.take()
	if p == nil {
		return fmt.Errorf("rebooting guest %q: it is down", g.cfg.UUID)
	}
	if err := p.end(ctx, !hard); err != nil {
		return err
	}
	if err := g.boot(ctx); err != nil {
		g.hangUp()
		close(g.events)
		return err
	}
	return nil
}

// SetPassword gives root and the image's users a password.
func (g *Guest) SetPassword(password string) error {
	p := g.running()
	if p == nil {
		return fmt.Errorf("setting the password of guest %q: it is down", g.cfg.UUID)
	}
	return p.conn.Send(control.Message{Op: control.Password, Text: password})
}
