package upload

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	windowSize = 16 << 20 // bytes that the readers of a shared source may be apart
	holdUp     = 10 * time.Second
)

// Shared is a source that several uploads read at the same time, and that is opened once for all of them. Each of the
// sources is for one upload; Leave has to be called with its number when that has ended.
//
// The slowest reader sets the pace, up to a point: one that has held the others up for ten seconds altogether goes on
// with the source opened for itself, and so does one that resumes after a failure.
type Shared struct {
	Sources []Source

	source Source
	hold   time.Duration

	opening sync.Mutex // openers aren't made for several callers at once

	mu      sync.Mutex
	changed chan struct{} // closed when anything below changes
	in      *Opened
	cancel  context.CancelFunc
	window  [][]byte
	first   int64 // offset of the window's first byte
	end     int64 // offset behind its last one
	err     error // after that: io.EOF, or why reading failed
	reading bool
	readers []*sharing
}

// Share makes one source into so many.
func Share(source Source, number int) *Shared {
	s := &Shared{source: source, hold: holdUp, changed: make(chan struct{})}
	for range number {
		r := &sharing{shared: s}
		one := source
		one.Open = r.open
		s.readers, s.Sources = append(s.readers, r), append(s.Sources, one)
	}
	return s
}

// Leave says that nobody reads the source of this number any more.
func (s *Shared) Leave(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers[number].apart = true
	s.broadcast()
	for _, r := range s.readers {
		if !r.apart {
			return
		}
	}
	s.shut()
}

// sharing is one of the readers.
type sharing struct {
	shared *Shared
	opened bool
	apart  bool // it doesn't read the shared data, or not any more
	at     int64
	held   time.Duration // that it has held up the others
}

// open opens the shared data, at its beginning, once; what is opened otherwise is the reader's own.
func (r *sharing) open(ctx context.Context, offset int64) (*Opened, error) {
	s := r.shared
	s.mu.Lock()
	join := offset == 0 && !r.opened && !r.apart && s.first == 0
	r.opened = true
	if !join {
		r.apart = true
		s.broadcast()
	}
	s.mu.Unlock()
	if !join {
		return s.own(ctx, offset)
	}
	size, err := s.begin()
	if err != nil {
		return nil, err
	}
	return &Opened{&sharedBody{ctx: ctx, r: r}, size}, nil
}

// own opens the source for one reader.
func (s *Shared) own(ctx context.Context, offset int64) (*Opened, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	return s.source.Open(ctx, offset)
}

// begin opens the source for all. It isn't closed when the first reader's context ends, but when all have left.
func (s *Shared) begin() (size int64, err error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	in := s.in
	s.mu.Unlock()
	if in != nil {
		return in.Size, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	if in, err = s.source.Open(ctx, 0); err != nil {
		cancel()
		return 0, err
	}
	s.mu.Lock()
	s.in, s.cancel = in, cancel
	s.mu.Unlock()
	return in.Size, nil
}

func (s *Shared) shut() {
	if s.in != nil {
		s.cancel()
		s.in.Close()
		s.window, s.err = nil, errors.New("nobody reads it any more")
	}
}

func (s *Shared) broadcast() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait waits for a change, with the lock free meanwhile.
func (s *Shared) wait(ctx context.Context, most time.Duration) error {
	changed := s.changed
	s.mu.Unlock()
	defer s.mu.Lock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// room makes room in the window for one more chunk: it waits for readers that need the oldest one, but not for ever.
func (s *Shared) room(ctx context.Context) error {
	for len(s.window) > 0 && s.end-s.first+chunkSize > windowSize {
		next := s.first + int64(len(s.window[0]))
		var late []*sharing
		most := s.hold
		for _, r := range s.readers {
			if !r.apart && r.at < next {
				late, most = append(late, r), min(most, s.hold-r.held)
			}
		}
		if len(late) == 0 {
			s.window, s.first = s.window[1:], next
			continue
		}
		start := time.Now()
		if err := s.wait(ctx, most); err != nil {
			return err
		}
		for _, r := range late {
			if r.held += time.Since(start); r.held >= s.hold && r.at < next {
				r.apart = true
			}
		}
	}
	return nil
}

// more reads another chunk into the window.
func (s *Shared) more(ctx context.Context) error {
	s.reading = true
	defer func() {
		s.reading = false
		s.broadcast()
	}()
	if err := s.room(ctx); err != nil {
		return err
	}
	in := s.in
	s.mu.Unlock()
	chunk := make([]byte, chunkSize)
	n, err := io.ReadFull(in, chunk)
	s.mu.Lock()
	if n > 0 {
		s.window, s.end = append(s.window, chunk[:n]), s.end+int64(n)
	}
	if ended(err) {
		err = io.EOF
	}
	s.err = err
	return nil
}

// sharedBody is the shared data, as one reader gets it.
type sharedBody struct {
	ctx context.Context
	r   *sharing
	own *Opened
}

// Read gives the reader what it hasn't had yet.
func (b *sharedBody) Read(to []byte) (int, error) {
	if b.own == nil {
		n, err := b.shared(to)
		if n > 0 || err != nil {
			return n, err
		}
	}
	if b.own == nil {
		var err error
		if b.own, err = b.r.shared.own(b.ctx, b.r.at); err != nil {
			return 0, err
		}
	}
	return b.own.Read(to)
}

// shared reads from the window; nothing if the reader has to read for itself.
func (b *sharedBody) shared(to []byte) (int, error) {
	s, r := b.r.shared, b.r
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case r.apart || r.at < s.first:
			r.apart = true
			return 0, nil
		case r.at < s.end:
			n := s.copy(to, r.at)
			r.at += int64(n)
			s.broadcast()
			return n, nil
		case s.err != nil:
			return 0, s.err
		case s.reading:
			if err := s.wait(b.ctx, time.Minute); err != nil {
				return 0, err
			}
		default:
			if err := s.more(b.ctx); err != nil {
				return 0, err
			}
		}
	}
}

func (s *Shared) copy(to []byte, at int64) int {
	begin := s.first
	for _, chunk := range s.window {
		if end := begin + int64(len(chunk)); at < end {
			return copy(to, chunk[at-begin:])
		}
		begin += int64(len(chunk))
	}
	return 0
}

// Close closes what is the reader's own.
func (b *sharedBody) Close() error {
	b.r.shared.mu.Lock()
	b.r.apart = true
	b.r.shared.broadcast()
	b.r.shared.mu.Unlock()
	if b.own != nil {
		return b.own.Close()
	}
	return nil
}
