//go:build linux

package userland

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func init() { registerAlone(map[string]Command{"scp": scp, "sftp-server": sftpServer}) }

// scp is the remote end of the old copy protocol: -t takes files, -f sends them.
func scp(p *Proc) int {
	f, names, ok := p.options("tfrpdvq", "")
	if !ok || len(names) == 0 || f.has('t') == f.has('f') {
		return p.usage("-t|-f [-rp] FILE...")
	}
	s := &scpSide{p: p, r: bufio.NewReader(p.In), times: f.has('p'), recursive: f.has('r')}
	var err error
	if f.has('t') {
		err = s.sink(names[0], f.has('d'))
	} else {
		err = s.source(names)
	}
	if err != nil {
		fmt.Fprintf(p.Out, "\x01scp: %v\n", err)
		return 1
	}
	return s.status
}

type scpSide struct {
	p                *Proc
	r                *bufio.Reader
	times, recursive bool
	status           int
}

func (s *scpSide) ok() error {
	_, err := s.p.Out.Write([]byte{0})
	return err
}

// answer reads the other side's word on what was sent.
func (s *scpSide) answer() error {
	b, err := s.r.ReadByte()
	if err != nil || b == 0 {
		return err
	}
	line, _ := s.r.ReadString('\n')
	s.status = 1
	if b == 1 {
		return nil
	}
	return errors.New(strings.TrimSpace(line))
}

// sink takes what the client sends into target.
func (s *scpSide) sink(target string, mustBeDir bool) error {
	target = s.p.Path(target)
	if st, err := os.Stat(target); mustBeDir && (err != nil || !st.IsDir()) {
		return fmt.Errorf("%s: Not a directory", target)
	}
	if err := s.ok(); err != nil {
		return err
	}
	dirs := []string{target}
	var when time.Time
	for {
		line, err := s.r.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return nil
		}
		if err != nil {
			return err
		}
		line = strings.TrimSuffix(line, "\n")
		dir := dirs[len(dirs)-1]
		switch line[0] {
		case 'T':
			if f := strings.Fields(line[1:]); s.times && len(f) > 0 {
				when = time.Unix(int64(number(f[0])), 0)
			}
		case 'E':
			if len(dirs) == 1 {
				return errors.New("protocol error: unexpected E")
			}
			dirs = dirs[:len(dirs)-1]
		case 'C', 'D':
			into, err := s.take(line, dir, len(dirs) == 1, when)
			when = time.Time{}
			if err != nil {
				fmt.Fprintf(s.p.Out, "\x01scp: %v\n", err)
				s.status = 1
				continue
			}
			if into != "" {
				dirs = append(dirs, into)
			}
		case 1, 2:
			return errors.New(line[1:])
		default:
			return fmt.Errorf("protocol error: %q", line)
		}
		if err := s.ok(); err != nil {
			return err
		}
	}
}

// take receives a file, or makes a folder and answers its path. At the top the target itself may be the new name.
func (s *scpSide) take(line, dir string, top bool, when time.Time) (into string, err error) {
	f := strings.SplitN(line[1:], " ", 3)
	if len(f) != 3 {
		return "", fmt.Errorf("protocol error: %q", line)
	}
	mode, err := strconv.ParseUint(f[0], 8, 32)
	if err != nil {
		return "", err
	}
	size, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil || size < 0 {
		return "", fmt.Errorf("protocol error: %q", line)
	}
	name := f[2]
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
		return "", fmt.Errorf("unexpected filename: %s", name)
	}
	path := filepath.Join(dir, name)
	st, err := os.Stat(dir)
	isDir := err == nil && st.IsDir()
	if top && !isDir {
		path = dir
	}
	if line[0] == 'D' {
		if !s.recursive {
			return "", errors.New("received directory without -r")
		}
		if err := os.MkdirAll(path, os.FileMode(mode&0o777)|0o700); err != nil {
			return "", err
		}
		return path, nil
	}
	return "", s.receive(path, os.FileMode(mode&0o777), size, when)
}

func (s *scpSide) receive(path string, mode os.FileMode, size int64, when time.Time) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		// The client doesn't know yet, and goes on only when told.
		return err
	}
	defer out.Close()
	if err := s.ok(); err != nil {
		return err
	}
	if _, err := io.CopyN(out, s.r, size); err != nil {
		return err
	}
	if s.times {
		_ = out.Chmod(mode)
	}
	if err := out.Close(); err != nil {
		return err
	}
	if !when.IsZero() {
		_ = os.Chtimes(path, when, when)
	}
	return s.answer()
}
