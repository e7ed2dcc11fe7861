package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

const (
	chunkSize = 1 << 20
	chunks    = 8 // that are read ahead of the service
)

// stream is a source's data on its way into the service. A goroutine reads ahead and computes the
// checksums. The end of the data is reported only if it is what the source says; otherwise reading fails,
// so that the service drops what it got.
type stream struct {
	source Source
	format Format
	head   []byte

	in     *resuming
	hashes hashes
	rep    report.Reporter
	cancel context.CancelFunc
	group  sync.WaitGroup
	full   chan chunk
	free   chan []byte
	rest   []byte // of the chunk that is being taken
	whole  []byte // that chunk's buffer
	err    error

	// Of the reading goroutine until close.
	done   int64 // bytes read
	sums   Sums  // of all of them, once the end was reached and nothing differs
	failed error // why reading failed
}

type chunk struct {
	data []byte
	err  error // after data
}

// open opens a source, and reads its format.
func open(ctx context.Context, source Source, rep report.Reporter) (*stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{source: source, rep: rep, cancel: cancel}
	s.in = &resuming{ctx: ctx, source: source, rep: rep, size: -1}
	s.head = make([]byte, HeadSize)
	n, err := io.ReadFull(s.in, s.head)
	s.head = s.head[:n]
	if ended(err) {
		err = nil
	}
	if err == nil {
		if err = s.recognise(); err != nil {
			err = fmt.Errorf("%s: %w", source.Name, err)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// recognise finds out what the data is, and whether that is what the source says.
func (s *stream) recognise() (err error) {
	if want := s.source.Size; want > 0 && s.in.size >= 0 && s.in.size != want {
		return fault.New(fault.Forbidden, "", "it has %d bytes, not %d as it is said to", s.in.size, want)
	}
	s.format, err = agreed(s.head, s.source.Format)
	return err
}

// start begins to read ahead.
func (s *stream) start(also ...string) {
	names := also
	for algorithm := range s.source.Sums {
		names = append(names, algorithm)
	}
	s.hashes = newHashes(names...)
	s.full, s.free = make(chan chunk, chunks), make(chan []byte, chunks)
	for range chunks {
		s.free <- nil
	}
	in := io.MultiReader(bytes.NewReader(s.head), s.in)
	s.group.Go(func() {
		defer close(s.full)
		for s.fill(in) {
		}
	})
}

// ended reports whether io.ReadFull got to the end. A connection that was cut off has an error that wraps
// the same one.
func ended(err error) bool {
	return err == io.EOF || err == io.ErrUnexpectedEOF //nolint:errorlint // as it says
}

// fill reads one chunk; it returns false after the last one.
func (s *stream) fill(in io.Reader) bool {
	var buffer []byte
	select {
	case buffer = <-s.free:
	case <-s.in.ctx.Done():
		return false
	}
	if buffer == nil {
		buffer = make([]byte, chunkSize)
	}
	n, err := io.ReadFull(in, buffer)
	s.hashes.write(buffer[:n])
	if s.done += int64(n); err != nil {
		if ended(err) {
			err = s.check()
		}
		if !errors.Is(err, io.EOF) {
			s.failed = err
		}
	}
	s.rep.Progress("bytes of "+s.source.Name, s.done, max(s.in.size, 0))
	select {
	case s.full <- chunk{buffer[:n], err}:
		return err == nil
	case <-s.in.ctx.Done():
		return false
	}
}

// check compares what was read with what the source says. It is io.EOF if nothing differs.
func (s *stream) check() error {
	sums := s.hashes.sums()
	if _, differs := s.source.Sums.Compare(sums); differs != "" {
		return fault.New(fault.Forbidden, "", "%s: the data has the %s %s, not %s", s.source.Name, differs, sums[differs],
			s.source.Sums[differs])
	}
	if s.source.Size > 0 && s.done != s.source.Size {
		return fault.New(fault.Forbidden, "", "%s: the data has %d bytes, not %d", s.source.Name, s.done, s.source.Size)
	}
	s.sums = sums
	return io.EOF
}

// next makes sure that there is a rest to take.
func (s *stream) next() error {
	for len(s.rest) == 0 {
		if s.err != nil {
			return s.err
		}
		if s.whole != nil {
			s.free <- s.whole[:cap(s.whole)]
			s.whole = nil
		}
		c, ok := <-s.full
		if !ok {
			s.err = context.Cause(s.in.ctx)
			return s.err
		}
		s.rest, s.whole, s.err = c.data, c.data, c.err
	}
	return nil
}

// Read takes data.
func (s *stream) Read(b []byte) (int, error) {
	if err := s.next(); err != nil {
		return 0, err
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// WriteTo takes all data, in large pieces.
func (s *stream) WriteTo(w io.Writer) (total int64, err error) {
	for {
		if err := s.next(); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return total, err
		}
		n, err := w.Write(s.rest)
		total, s.rest = total+int64(n), s.rest[n:]
		if err != nil {
			return total, err
		}
	}
}

// close stops reading. After it, done, sums and failed are those of all that was read.
func (s *stream) close() {
	s.cancel()
	s.group.Wait()
	s.in.Close()
}
