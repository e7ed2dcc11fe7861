package host

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

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
		return fmt.Errorf("booting guest %q (after %v, see %s): %w", g.cfg.UUID, time.Since(started).Round(time.Millisecond),
			ConsoleLog(g.cfg.Dir), explain(err))
	}
	g.mu.Lock()
	g.proc = p
	g.mu.Unlock()
	go g.follow(p)
	return nil
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

// stopGrace is how long the guest's processes have after SIGTERM.
const stopGrace = 2 * time.Second

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
