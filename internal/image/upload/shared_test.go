package upload_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
)

// counted is a source that counts how often it was opened, and how much was read of it. The first one that was opened
// fails after so many bytes, if that isn't 0.
type counted struct {
	upload.Source
	opens, bytes atomic.Int64
}

func count(data string, fails int64) *counted {
	c := &counted{}
	c.Name = "counted"
	c.Open = func(_ context.Context, offset int64) (*upload.Opened, error) {
		first := c.opens.Add(1) == 1
		body := &counting{r: strings.NewReader(data[offset:]), c: c}
		if first {
			body.fails = fails
		}
		return &upload.Opened{ReadCloser: io.NopCloser(body), Size: int64(len(data))}, nil
	}
	return c
}

type counting struct {
	r     io.Reader
	c     *counted
	fails int64
}

func (c *counting) Read(b []byte) (int, error) {
	if c.fails > 0 && c.c.bytes.Load() >= c.fails {
		return 0, errors.New("the disk is gone")
	}
	n, err := c.r.Read(b)
	c.c.bytes.Add(int64(n))
	return n, err
}

// take reads all of a source, as an upload does: after a failure it goes on where it was.
func take(t *testing.T, s upload.Source) string {
	t.Helper()
	var b strings.Builder
	for range 3 {
		body, err := s.Open(t.Context(), int64(b.Len()))
		if err != nil {
			t.Error(err)
			return ""
		}
		_, err = io.Copy(&b, body)
		body.Close()
		if err == nil {
			return b.String()
		}
	}
	t.Error("it fails again and again")
	return ""
}

func TestSharedSourceIsReadOnce(t *testing.T) {
	t.Parallel()
	data := disk(40<<20 + 123)
	c := count(data, 0)
	s := upload.Share(c.Source, 3)
	var group sync.WaitGroup
	for n, one := range s.Sources {
		group.Go(func() {
			defer s.Leave(n)
			if take(t, one) != data {
				t.Errorf("reader %d got other data", n)
			}
		})
	}
	group.Wait()
	if c.opens.Load() != 1 || c.bytes.Load() != int64(len(data)) {
		t.Errorf("it was opened %d times, and %d of %d bytes were read", c.opens.Load(), c.bytes.Load(), len(data))
	}
}

func TestReaderThatStallsDoesNotHoldTheOthers(t *testing.T) {
	t.Parallel()
	data := disk(40 << 20)
	for name, begun := range map[string]bool{"before it opens": false, "after it has begun": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := count(data, 0)
			s := upload.Share(c.Source, 2)
			s.HoldUp(t)
			head, rest := make([]byte, 0, 100), io.Reader(nil)
			if begun {
				body, err := s.Sources[1].Open(t.Context(), 0)
				if err != nil {
					t.Fatal(err)
				}
				defer body.Close()
				head = head[:100]
				if _, err := io.ReadFull(body, head); err != nil {
					t.Fatal(err)
				}
				rest = body
			}
			if take(t, s.Sources[0]) != data {
				t.Error("the other reader got other data")
			}
			s.Leave(0)
			if rest == nil {
				rest = strings.NewReader(take(t, s.Sources[1]))
			}
			late, err := io.ReadAll(rest)
			if err != nil || string(head)+string(late) != data {
				t.Errorf("the late reader got other data, %v", err)
			}
			s.Leave(1)
		})
	}
}

func TestReadersOfASharedSourceResume(t *testing.T) {
	t.Parallel()
	data := disk(20 << 20)
	c := count(data, 7<<20)
	s := upload.Share(c.Source, 2)
	var group sync.WaitGroup
	for n, one := range s.Sources {
		group.Go(func() {
			defer s.Leave(n)
			if take(t, one) != data {
				t.Errorf("reader %d got other data", n)
			}
		})
	}
	group.Wait()
}

func TestReaderThatLeavesDoesNotHoldTheOthers(t *testing.T) {
	t.Parallel()
	data := disk(40 << 20)
	c := count(data, 0)
	s := upload.Share(c.Source, 3)
	s.Leave(2) // its cloud couldn't be reached
	ctx, cancel := context.WithCancel(t.Context())
	body, err := s.Sources[1].Open(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	body.Close() // its upload failed
	cancel()
	if take(t, s.Sources[0]) != data || c.opens.Load() != 1 {
		t.Errorf("the last reader got other data, or opened it: %d", c.opens.Load())
	}
}
