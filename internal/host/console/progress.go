package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// State is the state of a task.
type State int

// The states.
const (
	Running State = iota
	Done
	Failed
	Skipped
)

// Progress is the progress of a task.
type Progress struct {
	ID, Parent  string
	Label       string
	Done, Total int64 // Total is 0 if it isn't known
	Bytes       bool  // what is counted
	State       State
	Detail      string
}

const (
	frame    = 100 * time.Millisecond // between two drawings
	plainly  = 10 * time.Second       // between two lines about the same task without a terminal
	briefly  = 2 * time.Second        // a task that is done within that time has no line at its start
	barWidth = 24
	maxItems = 1000
	maxBars  = 8 // more would push the user's own lines off the screen
)

// board is what is in progress.
type board struct {
	items []*item
	lines int // on the screen now
	drawn time.Time
}

type item struct {
	Progress
	began time.Time
	said  time.Time // when its last line was written without a terminal
}

// due reports whether there is something to say of the task without a terminal: of a short one only how it ended,
// unless that goes without saying.
func (i *item) due(now time.Time) bool {
	switch {
	case i.State == Running && i.said.IsZero():
		return now.Sub(i.began) >= briefly
	case i.State == Running:
		return now.Sub(i.said) >= plainly
	}
	return !i.said.IsZero() || i.State != Done || i.Detail != ""
}

// Progress shows a task's progress: as a bar on a terminal, otherwise as an occasional line.
func (c *Console) Progress(p Progress) {
	if c.Quiet {
		return
	}
	p.Label, p.Detail = c.Line(p.Label), c.Line(p.Detail)
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.shown.items, func(i *item) bool { return i.ID == p.ID })
	if i < 0 && len(c.shown.items) == maxItems {
		return
	}
	if i < 0 {
		i = len(c.shown.items)
		c.shown.items = append(c.shown.items, &item{began: c.now()})
	}
	it := c.shown.items[i]
	it.Progress = p
	if p.State != Running {
		c.shown.items = slices.Delete(c.shown.items, i, i+1)
	}
	if c.ErrTTY {
		c.onTerminal(p)
		return
	}
	if it.due(c.now()) {
		it.said = c.now()
		fmt.Fprintln(c.err, plain(p))
	}
}

func (c *Console) onTerminal(p Progress) {
	if p.State == Running && c.now().Sub(c.shown.drawn) < frame {
		return
	}
	c.hide()
	if p.State == Failed {
		fmt.Fprintln(c.err, plain(p))
	}
	c.draw()
}

// hide removes the bars from the screen.
func (c *Console) hide() {
	if c.shown.lines == 0 {
		return
	}
	fmt.Fprintf(c.err, "\x1b[%dA\r\x1b[J", c.shown.lines)
	c.shown.lines = 0
}

// draw puts the bars below what is on the screen.
func (c *Console) draw() {
	if !c.ErrTTY || len(c.shown.items) == 0 {
		return
	}
	if c.OutTTY {
		_ = c.flush() // else its rows would come between the bars later on
	}
	width, _ := c.Size()
	var b strings.Builder
	items := c.shown.items[:min(len(c.shown.items), maxBars)]
	for _, it := range items {
		b.WriteString(cut(bar(it.Progress), width-1) + "\n")
	}
	_, _ = c.err.WriteString(b.String())
	c.shown.lines = len(items)
	c.shown.drawn = c.now()
}

// InFlight lists the tasks that were running when the command was abandoned.
func (c *Console) InFlight() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []string
	for _, it := range c.shown.items {
		lines = append(lines, plain(it.Progress))
	}
	return lines
}

func bar(p Progress) string {
	indent := ""
	if p.Parent != "" {
		indent = "  "
	}
	if p.Total <= 0 {
		return indent + plain(p)
	}
	filled := int(min(p.Done, p.Total) * barWidth / p.Total)
	return fmt.Sprintf("%s%s [%s%s] %3d%% %s", indent, p.Label, strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled),
		min(p.Done, p.Total)*100/p.Total, strings.TrimSpace(amount(p)+" "+p.Detail))
}

func plain(p Progress) string {
	text := p.Label
	switch a := amount(p); {
	case p.State == Done:
		text += ": done"
	case p.State == Failed:
		text += ": failed"
	case p.State == Skipped:
		text += ": skipped"
	case a != "":
		text += ": " + a
	}
	if p.Detail != "" {
		text += " (" + p.Detail + ")"
	}
	return text
}

func amount(p Progress) string {
	count := func(n int64) string {
		if !p.Bytes {
			return strconv.FormatInt(n, 10)
		}
		units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
		f, u := float64(n), 0
		for f >= 1024 && u < len(units)-1 {
			f, u = f/1024, u+1
		}
		return fmt.Sprintf("%.4g %s", f, units[u])
	}
	switch {
	case p.Total > 0:
		return count(p.Done) + " of " + count(p.Total)
	case p.Done > 0:
		return count(p.Done)
	}
	return ""
}

func cut(s string, width int) string {
	if r := []rune(s); width > 0 && len(r) > width {
		return string(r[:width])
	}
	return s
}
