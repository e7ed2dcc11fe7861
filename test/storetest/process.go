package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// processes are the servers of one store, with one log.
type processes struct {
	dir   string
	ended atomic.Bool // one of them
	stops []func()
}

// run starts a program.
func (p *processes) run(command ...string) error {
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(context.Background(), command[0], command[1:]...) // #nosec G204 -- they are those of this package
	cmd.Env = append(os.Environ(), "HOME="+p.dir, "LC_ALL=C.UTF-8")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
		p.ended.Store(true)
	}()
	p.stops = append(p.stops, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
	})
	return nil
}

// until asks until the store answers.
func (p *processes) until(ctx context.Context, ready func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for ctx.Err() == nil && !p.ended.Load() {
		if err = ready(ctx); err == nil {
			return nil
		}
		<-time.After(100 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	return fmt.Errorf("the store isn't up: %w\n%s", err, log)
}

func (p *processes) stop() {
	for _, stop := range p.stops {
		stop()
	}
}

// attempts starts a store on ports that were free, and that somebody else may have taken since.
func attempts(start func() error) (err error) {
	for range 3 {
		if err = start(); err == nil {
			return nil
		}
	}
	return err
}

// freePorts are ports that nothing listens on, below those that the system gives to connections.
func freePorts(ctx context.Context, number int) (ports []int, err error) {
	for range 1000 {
		if len(ports) == number {
			return ports, nil
		}
		port := 20000 + rand.N(10000) // #nosec G404 -- it is no secret
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			defer l.Close()
			ports = append(ports, port)
		}
	}
	return nil, fmt.Errorf("no port is free")
}
