//go:build linux

package userland

import (
	"errors"
	"io"
	"os"

	"github.com/pkg/sftp"
)

// sftpServer serves the SSH subsystem on standard input and output.
func sftpServer(p *Proc) int {
	s, err := sftp.NewServer(struct {
		io.Reader
		io.WriteCloser
	}{os.Stdin, os.Stdout})
	if err != nil {
		return p.Fail(err)
	}
	if err := s.Serve(); err != nil && !errors.Is(err, io.EOF) {
		return p.Fail(err)
	}
	return 0
}
