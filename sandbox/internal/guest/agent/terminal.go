//go:build linux

package agent

import (
	"fmt"
	"io"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"
)

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
