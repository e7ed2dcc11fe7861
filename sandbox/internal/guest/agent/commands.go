//go:build linux

package agent

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// serveCommands takes what the built-in sudo, poweroff and reboot ask of pid 1.
func (a *agent) serveCommands() error {
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: control.AgentSocket, Net: "unixpacket"})
	if err != nil {
		return fmt.Errorf("listening for commands: %w", err)
	}
	if err := os.Chmod(control.AgentSocket, 0o666); err != nil {
		return fmt.Errorf("opening the command socket: %w", err)
	}
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			go a.serveCommand(c)
		}
	}()
	return nil
}

func (a *agent) serveCommand(u *net.UnixConn) {
	uid, err := peer(u)
	if err != nil {
		u.Close()
		return
	}
	f, err := u.File()
	u.Close()
	if err != nil {
		return
	}
	c, err := control.NewConn(f)
	if err != nil {
		return
	}
	defer c.Close()
	m, files, err := c.Receive()
	if err != nil {
		return
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	switch m.Op {
	case control.Poweroff, control.Reboot:
		if uid != 0 {
			_ = c.Send(control.Message{Op: control.Failed, Error: "must be root"})
			return
		}
		_ = c.Send(control.Message{Op: control.Ready})
		a.leaveAfter(m.Grace, m.Op)
	case control.Cancel:
		if uid == 0 {
			a.stay()
		}
		_ = c.Send(control.Message{Op: control.Ready})
	case control.Run:
		code, err := a.runAs(c, m.Text, files)
		reply := control.Message{Op: control.Exit, Text: strconv.Itoa(code)}
		if err != nil {
			reply = control.Message{Op: control.Failed, Error: err.Error()}
		}
		_ = c.Send(reply)
	}
}

func peer(u *net.UnixConn) (uid int, err error) {
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	if cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); cerr != nil {
		return 0, cerr
	}
	if err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}

// runAs serves the built-in sudo, which every user of an image without a sudo of its own may use, as a cloud image's
// default user may. pid 1 starts the command, because a mounted executable can't carry a set-user-id bit.
func (a *agent) runAs(c *control.Conn, request string, files []*os.File) (int, error) {
	var r control.RunRequest
	if err := json.Unmarshal([]byte(request), &r); err != nil || len(r.Args) == 0 || len(files) != 3 {
		return 0, fmt.Errorf("malformed request")
	}
	acc, ok := userland.UserByName(r.User)
	if !ok {
		return 0, fmt.Errorf("unknown user %s", r.User)
	}
	path, err := userland.Which(r.Args[0], r.Env, r.Dir)
	if err != nil {
		return 0, err
	}
	attr := &syscall.ProcAttr{Dir: r.Dir, Env: r.Env, Sys: &syscall.SysProcAttr{Setpgid: true, Credential: a.users.credential(acc)}}
	for _, f := range files {
		attr.Files = append(attr.Files, f.Fd())
	}
	pid, ended, err := a.procs.start(path, r.Args, attr)
	if err != nil {
		return 0, fmt.Errorf("%s: %s", r.Args[0], strings.TrimPrefix(err.Error(), "exec "))
	}
	for _, f := range files {
		f.Close()
	}
	go func() {
		for {
			m, _, err := c.Receive()
			if err != nil {
				return
			}
			if n, err := strconv.Atoi(m.Text); err == nil && m.Op == control.Signal {
				_ = syscall.Kill(-pid, syscall.Signal(n))
			}
		}
	}()
	return exitCode(<-ended), nil
}
