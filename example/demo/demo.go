// Demo shows the product at work on a machine that has no cloud. It runs in a sandbox cloud
// (`imgctl-sandbox run`), gives project demo an image that other projects use, lets Packer build
// and promote the next one, and checks what came out. `make demo` runs it; it ends with 0 only if
// all is as it should be.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// name is the image's name that the template promotes under.
const name = "web-base"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	start := time.Now()
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("\nAll as it should be, in %.1f s. The template is example/demo/web.pkr.hcl.\n", time.Since(start).Seconds())
}

func run(ctx context.Context, out io.Writer) error {
	c, err := cloud.Connect(ctx, cloud.Access{})
	if err != nil {
		return fmt.Errorf("%w\nrun it with `make demo`, which starts a cloud for it", err)
	}
	images, err := c.Image()
	if err != nil {
		return err
	}
	s := &survey{client: glance.New(images), owner: c.Project().ID, projects: map[string]string{}}

	title(out, "Before: project demo shares its image %s; member-a has accepted, member-b not yet", name)
	if err := s.seed(ctx); err != nil {
		return err
	}
	before, err := s.take(ctx)
	if err != nil {
		return err
	}
	before.print(out)

	title(out, "packer build example/demo")
	if err := packer(ctx, out); err != nil {
		return err
	}

	title(out, "After: the name has moved on, and everybody has what they had")
	after, err := s.take(ctx)
	if err != nil {
		return err
	}
	after.print(out)
	current, err := after.succeeds(before)
	if err != nil {
		return err
	}

	title(out, "A server of the new image")
	return boot(ctx, out, c, current)
}

func title(out io.Writer, format string, args ...any) {
	fmt.Fprintf(out, "\n── %s\n\n", fmt.Sprintf(format, args...))
}

// packer builds the template, its output indented.
func packer(ctx context.Context, out io.Writer) error {
	cmd := exec.CommandContext(ctx, "packer", "build", "-color=false", "example/demo")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	cmd.Stdout, cmd.Stderr = &indent{out: out, fresh: true}, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building example/demo with packer: %w", err)
	}
	return nil
}

// indent sets lines apart from what the demo itself says.
type indent struct {
	out   io.Writer
	fresh bool // the next byte starts a line
}

func (i *indent) Write(p []byte) (int, error) {
	var b []byte
	for _, c := range p {
		if i.fresh && c != '\n' {
			b = append(b, "  │ "...)
		}
		b, i.fresh = append(b, c), c == '\n'
	}
	_, err := i.out.Write(b)
	return len(p), err
}
