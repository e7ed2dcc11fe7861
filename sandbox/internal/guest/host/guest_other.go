//go:build !linux

package host

import (
	"context"
	"fmt"
	"io"
	"os"
)

// Guest is a booted server; there are none outside Linux.
type Guest struct{}

// Main returns: outside Linux there is no agent.
func Main([]string) {}

// Boot answers ErrUnsupported.
func Boot(_ context.Context, c Config) (*Guest, error) {
	return nil, fmt.Errorf("booting guest %q: %w: name spaces need Linux", c.UUID, ErrUnsupported)
}

// Unpack reads the image and makes an empty folder.
func Unpack(r io.Reader, dir string, _ int64) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("reading image data: %w", err)
	}
	return os.MkdirAll(dir, 0o755)
}

// Pack answers ErrUnsupported.
func Pack(context.Context, string, io.Writer) error { return ErrUnsupported }

// Remove deletes an instance folder.
func Remove(dir string) error { return os.RemoveAll(dir) }

// Events is never called: there is no Guest.
func (g *Guest) Events() <-chan Event { return nil }

// ServeSSH answers ErrUnsupported.
func (g *Guest) ServeSSH(string) error { return ErrUnsupported }

// HangUp does nothing.
func (g *Guest) HangUp(string) {}

// Stop does nothing.
func (g *Guest) Stop(context.Context) error { return nil }

// Kill does nothing.
func (g *Guest) Kill() {}

// Reboot answers ErrUnsupported.
func (g *Guest) Reboot(context.Context, bool) error { return ErrUnsupported }

// SetPassword answers ErrUnsupported.
func (g *Guest) SetPassword(string) error { return ErrUnsupported }
