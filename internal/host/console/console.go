// Package console owns the terminal: it writes results to standard output, and progress, prompts and
// messages to standard error, without mixing them up. It redacts secrets and removes control characters
// from all text that a person reads, so callers don't have to.
package console

import (
	"bufio"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
)

// Console is the user's terminal, or its replacement. It is safe for concurrent use.
type Console struct {
	in, out, err *os.File

	InTTY, OutTTY, ErrTTY bool
	Colour                bool // on standard error
	UTF8                  bool
	Quiet                 bool // no progress

	// Redact takes secrets out of text; nil for none.
	Redact func(string) string

	mark string // the start of our own styles, a secret

	mu     sync.Mutex // of the terminal; where standard output is none, out has its own
	outMu  sync.Mutex
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
		mark:   "\x1b" + rand.Text(),
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

// lockOut reserves standard output for the caller until it calls unlock. On a terminal it includes standard
// error; a pipe that nobody reads must not block messages on standard error.
func (c *Console) lockOut() (unlock func()) {
	if c.OutTTY {
		c.mu.Lock()
		return c.mu.Unlock
	}
	c.outMu.Lock()
	return c.outMu.Unlock
}

// Flush writes everything that is buffered for standard output.
func (c *Console) Flush() error {
	defer c.lockOut()()
	return c.flush()
}

func (c *Console) flush() error { return c.buffer.Flush() }

// Say writes a line to standard error.
func (c *Console) Say(line string) { c.toStderr([]byte(c.clean(line) + "\n")) }

func (c *Console) toStderr(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hide()
	_, _ = c.err.Write(p)
	c.draw()
}

// Styles of text.
const (
	Bold   = "1"
	Red    = "31"
	Yellow = "33"
	Grey   = "90"
)

// Style applies a style to the text, if colours are enabled.
func (c *Console) Style(style, text string) string {
	if !c.Colour {
		return text
	}
	return c.mark + style + "m" + text + c.mark + "0m"
}

// clean is text for a person: without secrets, and without escape sequences other than those of Style.
func (c *Console) clean(text string) string {
	if c.Redact != nil {
		text = c.Redact(text)
	}
	parts := strings.Split(text, c.mark)
	for i := range parts {
		parts[i] = printable.Text(parts[i])
	}
	return strings.Join(parts, "\x1b[")
}

// Line is text for a person, on one line: without secrets and control characters.
func (c *Console) Line(text string) string { return strings.ReplaceAll(c.clean(text), "\n", " ") }

// Read reads a piece of standard input, for a plugin that wants it.
func (c *Console) Read(p []byte) (int, error) { return c.in.Read(p) }

// Close hides the progress and flushes.
func (c *Console) Close() error {
	c.mu.Lock()
	c.hide()
	c.shown = board{}
	c.mu.Unlock()
	return c.Flush()
}

// errGone says that the user's answer will never come.
var errGone = errors.New("standard input has ended")
