package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// process is one life of a guest, from boot to power-off.
type process struct {
	conn *control.Conn
	cmd  *exec.Cmd

	console *console
	dial    func(target string, stream *os.File)

	done chan struct{}   // closed when pid 1 and with it every process of the guest is gone
	asks control.Message // the agent's last wish: Poweroff, Reboot or Failed; valid after done
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
	path := g.cfg.Agent
	if g.ids.single {
		if path, err = agentCopy(g.cfg.Agent, absolute(g.cfg.Dir)); err != nil {
			return nil, err
		}
		cfg.Agent = path
	}
	executable := kit.open(path, unix.O_PATH)
	mine, theirs := kit.pair()
	passed := []*os.File{executable, theirs}
	if mayDetachMounts() {
		// The guest's user may not be able to walk to these paths, so it gets them by descriptor.
		cfg.Root, cfg.Agent = "", ""
		passed = append(passed, kit.config(cfg), kit.mount(Root(g.cfg.Dir)), kit.mount(path))
		path = fmt.Sprintf("/proc/self/fd/%d", control.FDExecutable)
	} else {
		null := kit.open("/dev/null", unix.O_RDONLY)
		passed = append(passed, kit.config(cfg), null, null)
	}
	if kit.err != nil {
		return nil, kit.err
	}
	console, err := openConsole(ConsoleLog(g.cfg.Dir))
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: path, Args: []string{"imgctl-sandbox", "guest"}, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, Dir: "/",
		Stdout: console, Stderr: console, ExtraFiles: passed, SysProcAttr: attr,
	}
	cmd.WaitDelay = stopGrace
	if err := startApart(cmd); err != nil {
		console.Close()
		return nil, err
	}
	conn, err := control.NewConn(mine)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		console.Close()
		return nil, err
	}
	return &process{conn: conn, cmd: cmd, console: console, dial: g.dial, done: make(chan struct{})}, nil
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
		if m.Op == control.Dial && len(passed) == 1 {
			go p.dial(m.Text, passed[0])
			continue
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
	p.console.Close()
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
