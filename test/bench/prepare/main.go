// Bench/prepare measures how images are copied between two registries, Debian's docker-registry, and
// how tags are found by labels: imgctl against skopeo, crane and regsync, in turns. `make
// bench-prepare` runs it. A tool that isn't at hand is left out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 3, "rounds, each with all tools in turn")
	images := flag.Int("images", 90, "images, which share layers")
	unit := flag.Int64("unit", 1_000_000, "bytes that a layer of one megabyte has")
	delay := flag.Duration("delay", 20*time.Millisecond, "added to every request in the second half; 0 leaves that out")
	slow := flag.Bool("slow", false, "also the tools that send each shared layer once per image: crane and regsync")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *rounds, *images, *unit, *delay, *slow)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds, images int, unit int64, delay time.Duration, slow bool) error {
	dir, err := os.MkdirTemp("", "imgctl-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, images: images, results: map[string][]result{}}
	defer b.close()
	if b.source, err = startRegistry(ctx, filepath.Join(dir, "source")); err != nil {
		return err
	}
	if b.target, err = startRegistry(ctx, filepath.Join(dir, "target")); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "making images")
	if err := b.source.fill(images, unit); err != nil {
		return err
	}
	for _, d := range slices.Compact([]time.Duration{0, delay}) {
		if err := b.through(d); err != nil {
			return err
		}
		for n := range rounds {
			for _, t := range tools(slow) {
				if _, err := exec.LookPath(t.program); err != nil {
					fmt.Fprintf(os.Stderr, "%s isn't at hand: %v\n", t.name, err)
					continue
				}
				fmt.Fprintf(os.Stderr, "round %d of %d, %s, %s per request\n", n+1, rounds, t.name, d)
				if err := b.measure(ctx, t, d); err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
			}
		}
	}
	b.print(os.Stdout)
	return nil
}

// bench is one run.
type bench struct {
	dir            string
	images         int
	source, target *registry
	from, to       *proxy // before them
	results        map[string][]result
	order          []string
}

// result is one measured command.
type result struct {
	wall     time.Duration
	requests int64
	sent     int64 // bytes to the target
}

// measure has the tool copy all images to an empty registry, and then once more, and find labels.
func (b *bench) measure(ctx context.Context, t tool, delay time.Duration) error {
	if err := b.target.wipe(ctx); err != nil {
		return err
	}
	for _, c := range []struct {
		what string
		make func(*bench) ([]string, error)
	}{{"cold", t.copy}, {"warm", t.copy}, {"labels", t.labels}} {
		if c.make == nil {
			continue
		}
		args, err := c.make(b)
		if err != nil {
			return err
		}
		b.from.reset()
		b.to.reset()
		cmd := exec.CommandContext(ctx, t.program, args...) // #nosec G204 -- the tools of the comparison
		cmd.Dir = b.dir
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%.2000s", c.what, err, out)
		}
		key := fmt.Sprintf("%s, %s per request|%s", c.what, delay, t.name)
		if !slices.Contains(b.order, key) {
			b.order = append(b.order, key)
		}
		b.results[key] = append(b.results[key], result{
			time.Since(began), b.from.requests.Load() + b.to.requests.Load(),
			b.to.bytes.Load(),
		})
	}
	return nil
}
