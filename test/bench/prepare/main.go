// Bench/prepare measures how images are copied between two registries, Debian's docker-registry, and
// how tags are found by labels: imgctl against skopeo, crane and regsync, in turns. `make bench-prepare`
// runs it. A tool that isn't at hand is left out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/test/bench/record"
	"github.com/imgctl/packer-plugin-openstack/test/registrytest"
)

// options are the program's flags.
type options struct {
	rounds, slow, images int
	unit, large          int64
	delay                time.Duration
	page                 string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "rounds, each with all tools in turn")
	flag.IntVar(&o.slow, "slow", 1, "rounds in which the tools copy that send a shared layer once per image: crane and regsync")
	flag.IntVar(&o.images, "images", 90, "images, which share layers")
	flag.Int64Var(&o.unit, "unit", 1_000_000, "bytes that a layer of one megabyte has")
	flag.Int64Var(&o.large, "large", 2048, "MiB of the layer whose copy is interrupted; 0 leaves it out")
	flag.DurationVar(&o.delay, "delay", 20*time.Millisecond, "added to every request in the second half; 0 leaves that out")
	flag.StringVar(&o.page, "record", "", "write the tables into this `FILE`, between its marks of bench-prepare")
	alone := flag.Bool("floor", false, "only send the requests of a run with nothing to do: -floor SOURCE TARGET IMAGES")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if *alone {
		err = sendRequests(ctx, flag.Args())
	} else {
		err = run(ctx, o)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	b := &bench{options: o, results: map[key][]result{}}
	if err := b.start(ctx); err != nil {
		return err
	}
	defer b.close()
	fmt.Fprintln(os.Stderr, "making images")
	if err := b.fill(ctx); err != nil {
		return err
	}
	delays := []time.Duration{0}
	if o.delay > 0 {
		delays = append(delays, o.delay)
	}
	for _, d := range delays {
		if err := b.through(d); err != nil {
			return err
		}
		for n := range o.rounds {
			if err := b.round(ctx, n, d); err != nil {
				return err
			}
		}
	}
	table := b.table()
	if o.large > 0 {
		row, err := b.interrupted(ctx)
		if err != nil {
			return err
		}
		table += row
	}
	fmt.Print("\n" + table)
	if o.page == "" {
		return nil
	}
	return record.Into(o.page, "bench-prepare", "bench-prepare-record", table)
}

// bench is one run.
type bench struct {
	options
	dir, fast      string // the second is in memory where there is such a place
	source, target *registrytest.Registry
	from, to       *registrytest.Proxy // before them; nil without a delay
	results        map[key][]result
}

// memory is a file system in memory, of most systems.
const memory = "/dev/shm"

// start starts the registries. The target is in memory: on a disk, the disk's noise hides the tools.
func (b *bench) start(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "imgctl-bench"); err != nil {
		return err
	}
	if b.fast, err = os.MkdirTemp(memory, "imgctl-bench"); err != nil {
		b.fast = filepath.Join(b.dir, "target")
	}
	source := filepath.Join(b.dir, "source")
	for _, dir := range []string{b.fast, source} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if b.source, err = registrytest.Start(ctx, registrytest.Options{Dir: source}); err != nil {
		return err
	}
	b.target, err = registrytest.Start(ctx, registrytest.Options{Dir: b.fast})
	return err
}

func (b *bench) close() {
	b.from.Stop()
	b.to.Stop()
	b.source.Stop()
	b.target.Stop()
	os.RemoveAll(b.dir)
	os.RemoveAll(b.fast)
}

// fill stores images with five layers that all have, one of eight that a family has, and one or two of
// their own.
func (b *bench) fill(ctx context.Context) error {
	layers := func(megabytes ...int64) ([]v1.Layer, error) {
		for i := range megabytes {
			megabytes[i] *= b.unit
		}
		return registrytest.Layers(megabytes...)
	}
	base, err := layers(70, 40, 30, 20, 10)
	if err != nil {
		return err
	}
	family, err := layers(15, 15, 15, 15, 15, 15, 15, 15)
	if err != nil {
		return err
	}
	for n := range b.images {
		own, err := layers([]int64{int64(3 + n%6), 4}[:1+n%2]...)
		if err != nil {
			return err
		}
		labels := map[string]string{"rdo_version": fmt.Sprintf("v%d", n), "filler": strings.Repeat("x", 4000)}
		image, err := registrytest.Image(labels, append(append(append([]v1.Layer{}, base...), family[n%8]), own...)...)
		if err != nil {
			return err
		}
		if err := b.source.Push(ctx, image, b.path(n), "current", fmt.Sprintf("v%d", n)); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) path(n int) string { return fmt.Sprintf("ns/openstack-service-%d", n) }

// through puts proxies with that delay before both registries. Without one, tools talk to them directly.
func (b *bench) through(delay time.Duration) (err error) {
	if delay == 0 {
		return nil
	}
	if b.from, err = b.source.Before(delay); err != nil {
		return err
	}
	b.to, err = b.target.Before(delay)
	return err
}

func (b *bench) sourceHost() string {
	if b.from != nil {
		return b.from.Host
	}
	return b.source.Host
}

func (b *bench) targetHost() string {
	if b.to != nil {
		return b.to.Host
	}
	return b.target.Host
}

// round has each tool copy all images to an empty registry, then to one that has them, and find labels.
func (b *bench) round(ctx context.Context, n int, delay time.Duration) error {
	for _, step := range []string{cold, warm, labels} {
		for _, t := range tools {
			arguments := t.copy
			if step == labels {
				arguments = t.labels
			}
			if !t.atHand() || arguments == nil || step == cold && (t.current || t.slow && n >= b.slow) {
				continue
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %s per request, %s: %s\n", n+1, b.rounds, delay, step, t.name)
			if step == cold {
				if err := b.target.Wipe(ctx); err != nil {
					return err
				}
			}
			r, err := b.measure(ctx, t, arguments)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", t.name, step, err)
			}
			k := key{step, delay, t.name}
			b.results[k] = append(b.results[k], r)
		}
	}
	return nil
}
