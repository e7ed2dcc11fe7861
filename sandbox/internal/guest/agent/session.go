//go:build linux

package agent

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/shell"
)

// session is one SSH session channel, from its first request to the command's exit status.
type session struct {
	agent *agent
	conn  *ssh.ServerConn
	ch    ssh.Channel
	user  shell.User
	env   []string

	master, slave *os.File // the terminal, where the client asked for one

	answered chan struct{} // closed when the client knows that its command runs

	mu  sync.Mutex
	pid int // of the command; 0 before and after
}

func (s *session) serve(requests <-chan *ssh.Request) {
	defer s.closeTerminal()
	started := false
	for r := range requests {
		ok := false
		switch r.Type {
		case "env":
			var v struct{ Name, Value string }
			if ok = ssh.Unmarshal(r.Payload, &v) == nil; ok {
				s.env = append(s.env, v.Name+"="+v.Value)
			}
		case "pty-req":
			ok = !started && s.openTerminal(r.Payload) == nil
		case "window-change":
			s.resize(r.Payload)
			ok = true
		case "signal":
			var v struct{ Name string }
			if ok = ssh.Unmarshal(r.Payload, &v) == nil; ok {
				s.signal(v.Name)
			}
		case "shell", "exec", "subsystem":
			var v struct{ Command string }
			if r.Type != "shell" && ssh.Unmarshal(r.Payload, &v) != nil || started {
				break
			}
			err := s.start(r.Type, v.Command)
			ok, started = err == nil, err == nil
			if err != nil {
				s.agent.console.Printf("sshd: %s of %s: %v", r.Type, s.user.Name, err)
			}
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
		if started {
			s.answer()
		}
	}
	if !started {
		s.ch.Close()
	}
}

// answer lets the command's end be told. Only the loop of serve calls it.
func (s *session) answer() {
	select {
	case <-s.answered:
	default:
		close(s.answered)
	}
}

func (s *session) openTerminal(payload []byte) error {
	var v struct {
		Term                      string
		Columns, Rows, Width, Hgt uint32
		Modes                     string
	}
	if err := ssh.Unmarshal(payload, &v); err != nil {
		return err
	}
	s.closeTerminal()
	master, slave, err := pty.Open()
	if err != nil {
		return fmt.Errorf("opening a terminal: %w", err)
	}
	_ = s.agent.users.own(s.user, slave.Name())
	_ = pty.Setsize(master, &pty.Winsize{Rows: uint16(v.Rows), Cols: uint16(v.Columns)})
	s.mu.Lock()
	s.master, s.slave = master, slave
	s.mu.Unlock()
	s.env = append(s.env, "TERM="+v.Term, "SSH_TTY="+slave.Name())
	return nil
}

// closeTerminal hangs up: the kernel tells the terminal's processes.
func (s *session) closeTerminal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.master != nil {
		s.master.Close()
		s.slave.Close()
		s.master, s.slave = nil, nil
	}
}

func (s *session) resize(payload []byte) {
	var v struct{ Columns, Rows, Width, Height uint32 }
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.master != nil && ssh.Unmarshal(payload, &v) == nil {
		_ = pty.Setsize(s.master, &pty.Winsize{Rows: uint16(v.Rows), Cols: uint16(v.Columns)})
	}
}

var signals = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE, "HUP": syscall.SIGHUP, "ILL": syscall.SIGILL,
	"INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE, "QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV,
	"TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

func (s *session) signal(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sig, ok := signals[name]; ok && s.pid > 0 {
		_ = syscall.Kill(-s.pid, sig)
	}
}

// start runs what the client asked for and, once it ends, tells how and closes the channel.
func (s *session) start(kind, command string) error {
	path := loginShell(s.user)
	argv := []string{filepath.Base(path), "-c", command}
	switch {
	case kind == "subsystem" && command == "sftp":
		path, argv = agentPath, []string{"sftp-server"}
	case kind == "subsystem":
		return fmt.Errorf("no subsystem %q", command)
	case kind == "shell":
		argv = []string{"-" + filepath.Base(path)}
	}
	s.describeClient()
	attr := &syscall.ProcAttr{Dir: s.home(), Env: s.env, Sys: &syscall.SysProcAttr{Setsid: true, Credential: s.agent.users.credential(s.user)}}
	if s.master != nil {
		return s.startOnTerminal(path, argv, attr)
	}
	return s.startOnPipes(path, argv, attr)
}

func (s *session) home() string {
	if st, err := os.Stat(s.user.Home); err == nil && st.IsDir() {
		return s.user.Home
	}
	return "/"
}

func (s *session) describeClient() {
	from, fromPort, err1 := net.SplitHostPort(s.conn.RemoteAddr().String())
	to, toPort, err2 := net.SplitHostPort(s.conn.LocalAddr().String())
	if err1 == nil && err2 == nil {
		s.env = append(s.env, fmt.Sprintf("SSH_CLIENT=%s %s %s", from, fromPort, toPort), fmt.Sprintf("SSH_CONNECTION=%s %s %s %s", from, fromPort, to, toPort))
	}
}

func (s *session) run(path string, argv []string, attr *syscall.ProcAttr) (<-chan syscall.WaitStatus, error) {
	pid, ended, err := s.agent.procs.start(path, argv, attr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.pid = pid
	s.mu.Unlock()
	return ended, nil
}

func (s *session) startOnTerminal(path string, argv []string, attr *syscall.ProcAttr) error {
	fd := s.slave.Fd()
	attr.Files = []uintptr{fd, fd, fd}
	attr.Sys.Setctty = true
	ended, err := s.run(path, argv, attr)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.slave.Close()
	master := s.master
	s.mu.Unlock()
	go func() { _, _ = io.Copy(master, s.ch) }()
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(s.ch, master) // ends with EIO when the last process lets go of the terminal
	}()
	go func() {
		st := <-ended
		waitFor(shown)
		s.finish(st)
	}()
	return nil
}

func (s *session) startOnPipes(path string, argv []string, attr *syscall.ProcAttr) error {
	var ours, theirs [3]*os.File
	defer func() {
		for _, f := range theirs {
			if f != nil {
				f.Close()
			}
		}
	}()
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		ours[i], theirs[i] = r, w
		if i == 0 {
			ours[i], theirs[i] = w, r
		}
		attr.Files = append(attr.Files, theirs[i].Fd())
	}
	ended, err := s.run(path, argv, attr)
	if err != nil {
		for _, f := range ours {
			f.Close()
		}
		return err
	}
	go func() {
		_, _ = io.Copy(ours[0], s.ch)
		ours[0].Close()
	}()
	var copying sync.WaitGroup
	copying.Go(func() { _, _ = io.Copy(s.ch, ours[1]) })
	copying.Go(func() { _, _ = io.Copy(s.ch.Stderr(), ours[2]) })
	shown := make(chan struct{})
	go func() {
		copying.Wait()
		close(shown)
	}()
	go func() {
		st := <-ended
		waitFor(shown)
		s.finish(st)
		for _, f := range ours {
			f.Close()
		}
	}()
	return nil
}

// lingering bounds how long a command's output may be held open by processes it left behind.
const lingering = 2 * time.Second

func waitFor(shown <-chan struct{}) {
	t := time.NewTimer(lingering)
	defer t.Stop()
	select {
	case <-shown:
	case <-t.C:
	}
}

// finish reports the command's end and closes the channel.
func (s *session) finish(st syscall.WaitStatus) {
	<-s.answered
	s.mu.Lock()
	s.pid = 0
	s.mu.Unlock()
	if st.Signaled() {
		name := "TERM"
		for n, sig := range signals {
			if sig == st.Signal() {
				name = n
			}
		}
		_, _ = s.ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Name          string
			Core          bool
			Message, Lang string
		}{name, false, st.Signal().String(), ""}))
	} else {
		_, _ = s.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(st.ExitStatus())}))
	}
	_ = s.ch.CloseWrite()
	s.ch.Close()
}
