// Package console is the one owner of the terminal: it writes results to standard output, and
// progress, prompts and news to standard error, without one tearing the other apart.
package console

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// Console is the user's terminal, or what stands in for it. It is safe for concurrent use.
type Console struct {
	in, out, err *os.File

	InTTY, OutTTY, ErrTTY bool
	Colour                bool // on standard error
	UTF8                  bool
	Quiet                 bool // no progress

	mu     sync.Mutex
	buffer *bufio.Writer
	shown  board
	now    func() time.Time

	reading chan line // a read from standard input that nobody waits for any more
}

// New takes the three streams. The environment says about colours and character sets.
func New(in, out, err *os.File, getenv func(string) string) *Console {
	c := &Console{
		in: in, out: out, err: err,
		InTTY: isTerminal(in), OutTTY: isTerminal(out), ErrTTY: isTerminal(err),
		buffer: bufio.NewWriterSize(out, 64<<10),
		now:    time.Now,
	}
	c.Colour = colour(c.ErrTTY, getenv)
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToUpper(getenv(name)); value != "" {
			c.UTF8 = strings.Contains(value, "UTF-8") || strings.Contains(value, "UTF8")
			break
		}
	}
	return c
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// colour follows no-color.org and bixense.com/clicolors.
func colour(tty bool, getenv func(string) string) bool {
	switch force := getenv("CLICOLOR_FORCE"); {
	case getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	}
	return tty && getenv("CLICOLOR") != "0" && getenv("TERM") != "dumb"
}

// Size is the terminal's, in characters; zeros without one.
func (c *Console) Size() (columns, rows int) {
	for _, f := range []*os.File{c.out, c.err} {
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil {
			return columns, rows
		}
	}
	return 0, 0
}

// Out writes to standard output. What is written may wait for Flush.
func (c *Console) Out() io.Writer { return writer{c} }

type writer struct{ c *Console }

func (w writer) Write(p []byte) (int, error) {
	c := w.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.OutTTY {
		c.hide()
		defer c.draw()
	}
	return c.buffer.Write(p)
}

// Flush makes sure that standard output has all that was written to it.
func (c *Console) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flush()
}

func (c *Console) flush() error { return c.buffer.Flush() }

// Raw writes to standard error as it is.
func (c *Console) Raw(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hide()
	_, _ = c.err.Write(p)
	c.draw()
}

// Say writes a line to standard error.
func (c *Console) Say(line string) { c.Raw([]byte(line + "\n")) }

// Styles of text.
const (
	Bold   = "1"
	Red    = "31"
	Yellow = "33"
	Grey   = "90"
)

// Style gives the text a style where colours are wanted.
func (c *Console) Style(style, text string) string {
	if !c.Colour {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// Read reads a piece of standard input, for a plugin that wants it.
func (c *Console) Read(p []byte) (int, error) { return c.in.Read(p) }

// Close takes the progress away and flushes.
func (c *Console) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hide()
	c.shown = board{}
	return c.flush()
}

// errGone tells that the user's answer will never come.
var errGone = errors.New("standard input has ended")
