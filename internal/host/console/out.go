package console

import (
	"io"

	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
)

// Out writes text for people to standard output, such as help and tables. What is written may wait
// for Flush.
func (c *Console) Out() io.Writer { return writer{c, c.clean} }

// Data writes text for programs to standard output, unchanged unless it goes to a terminal.
func (c *Console) Data() io.Writer {
	if c.OutTTY {
		return writer{c, printable.Text}
	}
	return writer{c, nil}
}

// Results writes results in the format: tables are for people, all others for programs.
func (c *Console) Results(format string) io.Writer {
	if format == "" || format == "table" {
		return c.Out()
	}
	return c.Data()
}

// Bytes writes bytes to standard output as they are.
func (c *Console) Bytes() io.Writer { return writer{c, nil} }

// ErrBytes writes bytes to standard error as they are.
func (c *Console) ErrBytes() io.Writer { return stderr{c, nil} }

// Err writes text for people to standard error.
func (c *Console) Err() io.Writer { return stderr{c, c.clean} }

// ErrText writes text to standard error, where a person may see it, line ends included.
func (c *Console) ErrText() io.Writer {
	if c.ErrTTY {
		return stderr{c, printable.Text}
	}
	return stderr{c, nil}
}

type writer struct {
	c      *Console
	change func(string) string // nil for none
}

func (w writer) Write(p []byte) (int, error) {
	c, text := w.c, p
	if w.change != nil {
		text = []byte(w.change(string(p)))
	}
	defer c.lockOut()()
	if c.OutTTY {
		c.hide()
		defer c.draw()
	}
	if _, err := c.buffer.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

type stderr struct {
	c      *Console
	change func(string) string
}

func (w stderr) Write(p []byte) (int, error) {
	text := p
	if w.change != nil {
		text = []byte(w.change(string(p)))
	}
	w.c.toStderr(text)
	return len(p), nil
}
