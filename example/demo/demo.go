// Demo shows the product at work on a machine that has no cloud: it starts a sandbox cloud with
// an image that other projects use, lets Packer build and promote the next one, and checks what
// came out. `make demo` runs it; it ends with 0 only if all is as it should be.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/sandbox"
)

// name is the image's name that the template promotes under.
const name = "web-base"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	start := time.Now()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
	fmt.Printf("\nAll as it should be, in %.1f s. The template is example/demo/web.pkr.hcl.\n", time.Since(start).Seconds())
}

func run(ctx context.Context, out io.Writer) error {
	agent, err := filepath.Abs("bin/imgctl-sandbox")
	if err != nil {
		return err
	}
	title(out, "A cloud to try things on")
	sb, err := sandbox.Start(ctx, sandbox.Options{Agent: agent, Seed: seed()})
	if err != nil {
		return err
	}
	defer sb.Close()
	fmt.Fprintf(out, "OpenStack at %s, in this process; its clouds.yaml is %s\n", sb.URL(), sb.CloudsYAML())
	for _, setting := range [][2]string{{"OS_CLIENT_CONFIG_FILE", sb.CloudsYAML()}, {"OS_CLOUD", sandbox.DefaultCloud}} {
		if err := os.Setenv(setting[0], setting[1]); err != nil {
			return err
		}
	}
	c, err := cloud.Connect(ctx, cloud.Access{})
	if err != nil {
		return err
	}
	before, err := survey(ctx, sb, c)
	if err != nil {
		return err
	}
	title(out, "Before: what project demo and its members have")
	before.print(out)

	title(out, "packer build example/demo")
	if err := packer(ctx, out); err != nil {
		return err
	}

	after, err := survey(ctx, sb, c)
	if err != nil {
		return err
	}
	title(out, "After: the name has moved on, and everybody kept what they had")
	after.print(out)
	current, err := after.succeeds(before)
	if err != nil {
		return err
	}

	title(out, "A server of the new image")
	return boot(ctx, out, c, current)
}

func title(out io.Writer, text string) { fmt.Fprintf(out, "\n── %s\n\n", text) }

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
		if i.fresh {
			b = append(b, "  │ "...)
		}
		b, i.fresh = append(b, c), c == '\n'
	}
	_, err := i.out.Write(b)
	return len(p), err
}

// succeeds checks that the name passed from one image to another with all that hung on it, and
// gives the id of the image that has it now.
func (s *state) succeeds(before *state) (id string, err error) {
	was, now := before.named(name), s.named(name)
	if len(was) != 1 || len(now) != 1 {
		return "", fmt.Errorf("%d images were named %q before and %d are now, both have to be 1", len(was), name, len(now))
	}
	old, current := was[0], now[0]
	switch {
	case old.ID == current.ID:
		return "", fmt.Errorf("%q is still the image it was", name)
	case current.Status != glance.StatusActive || current.Visibility != glance.Shared || current.Hidden:
		return "", fmt.Errorf("%q is %s and %s (hidden: %v), not active and shared", name, current.Status, current.Visibility, current.Hidden)
	}
	var errs []error
	for project, status := range before.members[old.ID] {
		if got := s.members[current.ID][project]; got != status {
			errs = append(errs, fmt.Errorf("project %s was %s and is %q now", project, status, got))
		}
	}
	if archived := s.byID(old.ID); archived == nil || archived.Name == name {
		errs = append(errs, fmt.Errorf("the image before (%s) is not archived", old.ID))
	}
	return current.ID, errors.Join(errs...)
}
