package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/stream"

	"github.com/imgctl/packer-plugin-openstack/test/registrytest"
)

// The steps of a round.
const (
	cold   = "copy to an empty registry"
	warm   = "nothing to do"
	labels = "tags by labels"
)

// key is what was measured.
type key struct {
	step  string
	delay time.Duration
	tool  string
}

// result is one measured command.
type result struct {
	wall, cpu time.Duration
	peak      int64 // KiB
	requests  int64 // 0 if unknown
	sent      int64 // bytes to the target
}

// measure runs the tool once.
func (b *bench) measure(ctx context.Context, t tool, arguments func(*bench) ([]string, error)) (result, error) {
	args, err := arguments(b)
	if err != nil {
		return result{}, err
	}
	if b.from != nil {
		b.from.Reset()
		b.to.Reset()
	}
	return b.command(ctx, t.program, args...)
}

func (b *bench) command(ctx context.Context, program string, args ...string) (result, error) {
	cmd := exec.CommandContext(ctx, program, args...) // #nosec G204 -- the tools of the comparison
	cmd.Dir = b.dir
	var said tail
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	end := make(chan struct{})
	peak := memoryOf(cmd.Process.Pid, end)
	err := cmd.Wait()
	r := result{wall: time.Since(began)}
	close(end)
	if err != nil {
		return r, fmt.Errorf("%w\n%s", err, said.text)
	}
	r.cpu, r.peak = cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), <-peak
	if b.from != nil {
		r.requests, r.sent = b.from.Requests.Load()+b.to.Requests.Load(), b.to.Received.Load()
	}
	return r, nil
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if len(t.text) > 4000 {
		t.text = slices.Clone(t.text[len(t.text)-2000:])
	}
	return len(p), nil
}

// interrupted copies an image of one large layer, whose connection is cut once in the middle.
func (b *bench) interrupted(ctx context.Context) (string, error) {
	fmt.Fprintf(os.Stderr, "a layer of %d MiB, cut in the middle\n", b.large)
	if err := b.target.Wipe(ctx); err != nil {
		return "", err
	}
	if err := b.pushLarge(ctx); err != nil {
		return "", err
	}
	from, err := b.source.Before(0)
	if err != nil {
		return "", err
	}
	defer from.Stop()
	from.Cut.Store(b.large << 19)
	r, err := b.command(ctx, "imgctl", "prepare", "push", from.Host+"/ns/large:1", "--registry-url", b.target.Host, "-q")
	if err != nil {
		return "", err
	}
	before, err := b.source.Digest(ctx, "ns/large:1")
	if err != nil {
		return "", err
	}
	if after, err := b.target.Digest(ctx, "ns/large:1"); err != nil || after != before {
		return "", fmt.Errorf("the copy is %s, %w; the image is %s", after, err, before)
	}
	read, verdict := float64(from.Blobs.Load())/(1<<20), "met"
	if r.peak > 64<<10 || read > float64(b.large)*1.01 {
		verdict = "**missed**"
	}
	return fmt.Sprintf("\nA layer of %d MiB whose connection is cut in the middle: %.1f s, %.0f MiB of memory at most, %.0f MiB read.\n"+
		"Goal: at most 64 MiB of memory, and every byte read once: %s.\n", b.large, r.wall.Seconds(), float64(r.peak)/1024, read,
		verdict), nil
}

// pushLarge stores an image with a layer of random bytes, which aren't kept in memory.
func (b *bench) pushLarge(ctx context.Context) error {
	bytes := rand.NewChaCha8([32]byte{})
	layer := stream.NewLayer(io.NopCloser(io.LimitReader(bytes, b.large<<20)), stream.WithCompressionLevel(0))
	image, err := registrytest.Image(nil)
	if err != nil {
		return err
	}
	return b.source.PushLayer(ctx, image, layer, "ns/large", "1")
}
