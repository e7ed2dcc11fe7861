// Factory shows `imgctl factory` at work on a machine that has no cloud. It runs in a sandbox cloud
// (`imgctl-sandbox run`), serves two Aquilon profiles, starts the factory, changes a profile, and waits until the
// new image is current. `make demo-factory` runs it; it ends with 0 only if all is as it should be.
//
// With the address of a RabbitMQ in RABBIT_URL, the parts are processes of their own, with two workers; otherwise
// `imgctl factory run` is all there is, and the queue is in a file.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	start := time.Now()
	err := run(ctx, os.Stdout, os.Getenv("RABBIT_URL"))
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("\nAll as it should be, in %.1f s. What it does is told in docs/factory.md.\n", time.Since(start).Seconds())
}

// patience is how long anything may take.
const patience = 3 * time.Minute

func run(ctx context.Context, out io.Writer, rabbit string) (err error) {
	s, err := open(ctx)
	if err != nil {
		return fmt.Errorf("%w\nrun it with `make demo-factory`, which starts a cloud for it", err)
	}
	dir, err := os.MkdirTemp("", "imgctl-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	title(out, "A web server with the profiles of two personalities, web and batch")
	profiles, err := serveProfiles(ctx)
	if err != nil {
		return err
	}
	defer profiles.close()
	profiles.set("web", "nginx")
	profiles.set("batch", "python3")
	fmt.Fprintln(out, profiles.url)

	f := &factory{out: out, dir: dir, rabbit: rabbit, died: cancel}
	if err := f.configure(ctx, s, profiles.url); err != nil {
		return err
	}
	title(out, "%s", f.title())
	if err := f.start(ctx); err != nil {
		return errors.Join(err, f.stop())
	}
	defer func() { err = errors.Join(err, f.stop()) }()

	before := map[string]string{}
	for _, personality := range []string{"web", "batch"} {
		if before[personality], err = s.current(ctx, imageName(personality), ""); err != nil {
			return err
		}
	}
	title(out, "Both images are current")
	for _, personality := range []string{"web", "batch"} {
		fmt.Fprintf(out, "%-20s %s\n", imageName(personality), before[personality])
	}

	title(out, "The profile of web changes: it gets php")
	changed := time.Now()
	profiles.set("web", "nginx", "php")
	after, err := s.current(ctx, imageName("web"), before["web"])
	if err != nil {
		return err
	}
	title(out, "After %.1f s, the new image is current", time.Since(changed).Seconds())
	if err := s.print(ctx, out); err != nil {
		return err
	}
	batch, err := s.current(ctx, imageName("batch"), "")
	if err != nil || batch != before["batch"] {
		return cmp.Or(err, errors.New("the image of batch was built again, and its profile hasn't changed"))
	}
	title(out, "The page shows it, too")
	return f.look(ctx, after)
}

func title(out io.Writer, format string, args ...any) {
	fmt.Fprintf(out, "\n── %s\n\n", fmt.Sprintf(format, args...))
}
