// Bench/hotfix measures how packages are added to images that share a base: imgctl prepare hotfix
// against buildah with rpm -U in the image, as TripleO's role does it. `make bench-hotfix` runs it. It
// needs root, buildah and rpm.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/test/bench/record"
)

func main() {
	images := flag.Int("images", 10, "images, which share a base")
	mib := flag.Int("base", 200, "MiB of the base")
	own := flag.Bool("own-database", false, "each image has packages of its own, and so a package database of its own")
	rounds := flag.Int("rounds", 1, "rounds, each with both in turn")
	page := flag.String("record", "", "write the table into this `FILE`, between its marks of bench-hotfix")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *images, *mib, *rounds, *own, *page)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, images, mib, rounds int, own bool, page string) error {
	for _, tool := range []string{"buildah", "rpm", "rpmbuild"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: apt-get install buildah rpm", err)
		}
	}
	dir, err := os.MkdirTemp("", "imgctl-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w := &world{ctx: ctx, dir: dir, images: images, own: own}
	defer w.close()
	fmt.Fprintln(os.Stderr, "making packages and images")
	if err := w.make(mib); err != nil {
		return err
	}
	var theirs, ours result
	for n := range rounds {
		for _, one := range []struct {
			name string
			do   func(tag string) error
			sum  *result
		}{{"buildah", w.buildah, &theirs}, {"imgctl", w.imgctl, &ours}} {
			w.moved.Store(0)
			start := time.Now()
			if err := one.do(fmt.Sprintf("%s-%d", one.name, n)); err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			one.sum.time += time.Since(start)
			one.sum.bytes += w.moved.Load()
			fmt.Fprintf(os.Stderr, "%s: %s, %d bytes\n", one.name, time.Since(start).Round(time.Millisecond), w.moved.Load())
		}
	}
	database := ""
	if own {
		database = ", each with a package database of its own"
	}
	time, bytes := ours.time.Seconds()/theirs.time.Seconds(), float64(ours.bytes)/float64(theirs.bytes)
	table := fmt.Sprintf("| %d images on a base of %d MiB%s; rounds: %d | buildah with `rpm -U` | imgctl | ratio | goal |\n"+
		"|---|---|---|---|---|\n", images, mib, database, rounds) +
		fmt.Sprintf("| time | %.1f s | %.1f s | %.3f | ≤ 0.2, %s |\n", theirs.time.Seconds(), ours.time.Seconds(), time, met(time <= 0.2)) +
		fmt.Sprintf("| bytes moved | %.1f MiB | %.1f MiB | %.3f | ≤ 0.1, %s |\n",
			float64(theirs.bytes)/(1<<20), float64(ours.bytes)/(1<<20), bytes, met(bytes <= 0.1))
	fmt.Print(table)
	if page == "" {
		return nil
	}
	return record.Into(page, "bench-hotfix", "bench-hotfix-record", table)
}

func met(yes bool) string {
	if yes {
		return "met"
	}
	return "**missed**"
}

type result struct {
	time  time.Duration
	bytes int64
}

// imgctl adds the package by our plugin.
func (w *world) imgctl(tag string) error {
	args := []string{"prepare", "hotfix", "--rpms-path", w.fix, "--tag", tag}
	for n := range w.images {
		args = append(args, "--image", w.ref(n))
	}
	return w.command("bin/imgctl", args...)
}

// buildah runs rpm in the image, image by image, and pushes the results.
func (w *world) buildah(tag string) error {
	context := filepath.Join(w.dir, "context")
	for n := range w.images {
		target := w.ref(n) + "-" + tag
		text := "FROM " + w.ref(n) + "\nLABEL modified_append_tag=-" + tag + "\nWORKDIR /\nUSER root\nCOPY *.rpm /tmp/\n" +
			"RUN rpm --replacepkgs --replacefiles --oldpackage -Uvh /tmp/*.rpm && rm -f /tmp/*.rpm\n"
		if err := os.WriteFile(filepath.Join(context, "Dockerfile"), []byte(text), 0o600); err != nil {
			return err
		}
		store := []string{"--root", filepath.Join(w.dir, "store"), "--runroot", filepath.Join(w.dir, "run")}
		if err := w.command("buildah", append(store, "bud", "--format", "docker", "--isolation", "chroot", "--network", "host",
			"--tls-verify=false", "--tag", target, context)...); err != nil {
			return err
		}
		if err := w.command("buildah", append(store, "push", "--tls-verify=false", target)...); err != nil {
			return err
		}
	}
	return nil
}
