// Packuilon shows what takes the place of packuilon's worker, on a machine that has no cloud. It
// runs in a sandbox cloud (`imgctl-sandbox run`), gives project demo the images that were there
// before, plays Aquilon's hook while packer builds the template, and checks what came out. It ends
// with 0 only if all is as it should be.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// personalities are those that the template builds.
var personalities = []string{"web", "batch"}

// imageName is what packuilon called the managed image of a personality.
func imageName(personality string) string { return "sl7x-x86_64 " + personality + " AQ" }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	folder := "example/packuilon"
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	err := run(ctx, os.Stdout, folder)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe example failed: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, folder string) error {
	s, err := open(ctx)
	if err != nil {
		return fmt.Errorf("%w\nrun it with bin/imgctl-sandbox run, which starts a cloud for it", err)
	}
	before, err := s.seed(ctx, folder)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Project demo shares %d images with member-a\n", len(before))

	hook, stop := context.WithCancel(ctx)
	defer stop()
	registered := make(chan error, 1)
	go func() { registered <- s.register(hook) }()
	if err := packer(ctx, out, folder); err != nil {
		return err
	}
	stop()
	if err := <-registered; err != nil {
		return err
	}
	return s.check(ctx, out, before)
}

// packer builds the template.
func packer(ctx context.Context, out io.Writer, folder string) error {
	template := filepath.Join(folder, "packuilon.pkr.hcl")
	cmd := exec.CommandContext(ctx, "packer", "build", "-color=false", template) //nolint:gosec // the user names the folder
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building %s with packer: %w", folder, err)
	}
	return nil
}

// open connects as the owner of the images, whoever OS_CLOUD names.
func open(ctx context.Context) (*site, error) {
	owner, err := cloud.Connect(ctx, cloud.Access{})
	if err != nil {
		return nil, err
	}
	member, err := cloud.Connect(ctx, cloud.Access{Cloud: "member-a"})
	if err != nil {
		return nil, err
	}
	return newSite(owner, member)
}
