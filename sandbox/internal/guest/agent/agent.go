//go:build linux

// Package agent runs inside a guest as process 1, its init: it sets up the machine, serves SSH and metadata, and runs
// user data.
package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/shell"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// Main acts on calls of the agent's executable that come from a guest and never returns from them: as pid 1
// ("imgctl-sandbox guest"), or under the name of a built-in command. From any other call it returns.
func Main(args []string) {
	if len(args) == 0 {
		return
	}
	shell.Install()
	if len(args) > 1 && args[1] == "guest" && os.Getpid() == 1 {
		os.Exit(run())
	}
	if name := filepath.Base(args[0]); userland.Has(name) {
		os.Exit(userland.Main(args))
	}
}

// agent is the running pid 1.
type agent struct {
	cfg     control.Config
	host    *control.Conn
	procs   *reaper
	users   *users
	console *console
	builtin bool // the root file system has no shell of its own
	noSSH   bool // the image doesn't want an SSH server

	sessions sessionCount

	mu       sync.Mutex
	ending   bool
	password string
	shutdown *time.Timer // a scheduled one
}

func run() int {
	closeForeign()
	syscall.Umask(0o022)
	host, err := control.NewConn(os.NewFile(control.FDControl, "control"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	a := &agent{host: host, console: &console{w: os.Stdout}}
	if err := a.setUp(); err != nil {
		_ = host.Send(control.Message{Op: control.Failed, Error: err.Error()})
		a.console.Printf("guest: %v", err)
		return 1
	}
	if err := host.Send(control.Message{Op: control.Ready}); err != nil {
		return 1
	}
	go a.final()
	a.obey()
	return 0
}

// closeForeign closes what the sandbox process itself inherited, such as a shell's log file, and couldn't keep to
// itself. What the Go runtime opened is left alone.
func closeForeign() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		_ = unix.CloseRange(control.FDLast+1, 1<<20, unix.CLOSE_RANGE_CLOEXEC)
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= control.FDLast {
			continue
		}
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(target, "anon_inode:[event") {
			_ = unix.Close(fd)
		}
	}
}

// setUp makes this process the init of the guest that cfg describes, up to where SSH connections can be taken.
func (a *agent) setUp() error {
	f := os.NewFile(control.FDConfig, "config")
	if err := json.NewDecoder(f).Decode(&a.cfg); err != nil {
		return fmt.Errorf("reading the guest's configuration: %w", err)
	}
	f.Close()
	a.password = a.cfg.Password
	a.heedSignals()
	a.procs = newReaper()
	a.console.Printf("Booting %s (%s)", a.cfg.Hostname, a.cfg.UUID)
	if err := enterRoot(a.cfg, a.console); err != nil {
		return err
	}
	// A host that pipes core dumps to a program would run it, as its root, on what a guest has in memory. This limit
	// is the one that the kernel never does so with.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1, Max: 1}); err != nil {
		return fmt.Errorf("forbidding core dumps: %w", err)
	}
	if err := installFilter(a.cfg.HostRoot); err != nil {
		return err
	}
	builtin, err := installCommands()
	if err != nil {
		return err
	}
	a.builtin = builtin
	a.users = &users{single: a.cfg.SingleUser}
	if err := a.users.prepare(a.cfg.AuthorizedKeys); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(a.cfg.Hostname)); err != nil {
		return fmt.Errorf("setting host name %q: %w", a.cfg.Hostname, err)
	}
	if err := a.network(); err != nil {
		return err
	}
	if err := a.serveCommands(); err != nil {
		return err
	}
	a.console.serveDevice("/dev/console")
	if err := a.listenSSH(); err != nil {
		return err
	}
	a.serveSSHInside()
	if err := a.serveInitctl(); err != nil {
		return err
	}
	return a.early()
}

// obey serves the host until it hangs up or asks for the end.
func (a *agent) obey() {
	for {
		m, files, err := a.host.Receive()
		if err != nil {
			return // the sandbox process is gone: so is the guest, as pid 1 takes all with it
		}
		switch {
		case m.Op == control.SSH && len(files) == 1:
			go a.serveSSH(files[0], m.Text)
			continue
		case m.Op == control.Connect && len(files) == 1:
			go a.serveNeighbour(files[0], m.Text)
			continue
		case m.Op == control.Stop:
			a.terminate(m.Grace)
			return
		case m.Op == control.Password:
			a.mu.Lock()
			a.password = m.Text
			a.mu.Unlock()
		}
		for _, f := range files {
			f.Close()
		}
	}
}
