//go:build linux

package agent

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// session is one SSH session channel, from its first request to the command's exit status.
type session struct {
	agent *agent
	conn  *ssh.ServerConn
	ch    ssh.Channel
	user  userland.User
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
	attr := &syscall.ProcAttr{Dir: s.home(), Env: s.env, Sys: &syscall.SysProcAttr{
		Setsid:     true,
		Credential: s.agent.users.credential(s.user),
	}}
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
		s.env = append(s.env, fmt.Sprintf("SSH_CLIENT=%s %s %s", from, fromPort, toPort),
			fmt.Sprintf("SSH_CONNECTION=%s %s %s %s", from, fromPort, to, toPort))
	}
}

func (s *session) run(path string, argv []string, attr *syscall.ProcAttr) (<-chan syscall.WaitStatus, error) {
	s.agent.sessions.Add(1) // before the command can ask for the guest's end
	pid, ended, err := s.agent.procs.start(path, argv, attr)
	if err != nil {
		s.agent.sessions.Add(-1)
		return nil, err
	}
	s.mu.Lock()
	s.pid = pid
	s.mu.Unlock()
	return ended, nil
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
	s.agent.sessions.Add(-1)
}
