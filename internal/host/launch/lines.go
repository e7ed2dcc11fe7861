package launch

import (
	"bytes"
	"fmt"
	"sync"
)

// longest is how much of a line is kept: what a plugin writes must not fill the host's memory.
const longest = 8 << 10

// lines passes on what is written to it line by line, long lines shortened.
type lines struct {
	sink func(string)

	mu      sync.Mutex
	partial []byte
	dropped int
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.keep(p)
			return n, nil
		}
		l.keep(p[:i])
		l.flush()
		p = p[i+1:]
	}
}

func (l *lines) keep(p []byte) {
	room := min(len(p), longest-len(l.partial))
	l.partial = append(l.partial, p[:room]...)
	l.dropped += len(p) - room
}

func (l *lines) flush() {
	text := string(bytes.TrimRight(l.partial, "\r"))
	if l.dropped > 0 {
		text += fmt.Sprintf("… (%d bytes more)", l.dropped)
	}
	l.partial, l.dropped = l.partial[:0], 0
	if text != "" {
		l.sink(text)
	}
}

// end passes on a last line that has no end.
func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.flush()
	}
}
