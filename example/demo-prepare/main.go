// Demo-prepare shows `imgctl prepare` at work on a machine without a registry. It starts two, fills
// one with the images of a small deployment, has them copied to the other, and checks what came out.
// `make demo-prepare` runs it; it ends with 0 only if all is as it should be.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	start := time.Now()
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("\nAll as it should be, in %.1f s. What it does is told in docs/prepare.md.\n", time.Since(start).Seconds())
}

// environment is what the demo prepares: ten images, found by their label, copied to the other
// registry; nova-api is a hotfix that comes from another namespace.
const environment = `parameter_defaults:
  ContainerImagePrepare:
  - push_destination: TARGET
    tag_from_label: rdo_version
    includes: ['openstack-(keystone|glance-api|nova-api|nova-conductor|nova-scheduler|placement-api|horizon|mariadb|rabbitmq|memcached):']
    set: {namespace: SOURCE/wallaby}
  - push_destination: TARGET
    includes: [openstack-nova-api]
    set: {namespace: SOURCE/hotfix, tag: fixed}
`

func run(ctx context.Context, out io.Writer) error {
	source, err := serve(ctx)
	if err != nil {
		return err
	}
	target, err := serve(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "imgctl-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demo{out: out, dir: dir, source: source, target: target}

	d.title("A registry with the images of a small deployment; they share their layers")
	if err := source.fill(ctx); err != nil {
		return err
	}
	text := strings.NewReplacer("SOURCE", source.Host, "TARGET", target.Host).Replace(environment)
	if err := os.WriteFile(filepath.Join(dir, "containers.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	fmt.Fprint(out, text)
	return d.show(ctx)
}

type demo struct {
	out            io.Writer
	dir            string
	source, target *registry
}

func (d *demo) show(ctx context.Context) error {
	d.title("A file to begin with; the one above was made from it")
	if _, err := d.imgctl(ctx, "prepare", "default", "--release", "wallaby", "--local-push-destination"); err != nil {
		return err
	}
	d.title("What is to be copied")
	if _, err := d.imgctl(ctx, "prepare", "plan", "-e", "containers.yaml"); err != nil {
		return err
	}
	d.title("Why nova-api is the hotfix")
	why := []string{"prepare", "why", "nova-api", "-e", "containers.yaml", "-c", "Entry", "-c", "Image", "-c", "Filter", "-c", "Tag"}
	if _, err := d.imgctl(ctx, why...); err != nil {
		return err
	}
	d.title("The copy, and the parameters that name the copies")
	d.source.Reset()
	params, err := d.imgctl(ctx, "prepare", "-e", "containers.yaml", "--lock", "images.lock")
	if err != nil {
		return err
	}
	if want := "ContainerNovaApiImage: " + d.target.Host + "/hotfix/openstack-nova-api:fixed"; !strings.Contains(params, want) {
		return fmt.Errorf("the parameters lack %q", want)
	}
	if want := "ContainerKeystoneImage: " + d.target.Host + "/wallaby/openstack-keystone:" + version; !strings.Contains(params, want) {
		return fmt.Errorf("the parameters lack %q", want)
	}
	fmt.Fprintf(d.out, "\n%d bytes were fetched; image by image it would have been %d.\n", d.source.Blobs.Load(), d.source.sum)
	if d.source.Blobs.Load() > d.source.sum/3 {
		return fmt.Errorf("%d bytes were fetched of %d", d.source.Blobs.Load(), d.source.sum)
	}
	return d.again(ctx)
}

// again runs it once more, with nothing to do, and checks the copies.
func (d *demo) again(ctx context.Context) error {
	d.title("A second run has nothing to do")
	d.source.Reset()
	d.target.Reset()
	again := []string{"prepare", "-e", "containers.yaml", "--lock", "images.lock", "--frozen", "--output-env-file", "images.yaml"}
	if _, err := d.imgctl(ctx, again...); err != nil {
		return err
	}
	if d.source.Blobs.Load() > 64<<10 || len(d.target.Writes()) != 0 { // what it fetches are the labels
		return fmt.Errorf("the second run fetched %d bytes and wrote %d times", d.source.Blobs.Load(), len(d.target.Writes()))
	}
	d.title("The copies, to their last byte")
	_, err := d.imgctl(ctx, "prepare", "verify", "-e", "containers.yaml", "--deep")
	return err
}

func (d *demo) title(text string) { fmt.Fprintf(d.out, "\n── %s\n\n", text) }

// imgctl runs it in the demo's folder, and gives what it wrote.
func (d *demo) imgctl(ctx context.Context, args ...string) (string, error) {
	fmt.Fprintf(d.out, "$ imgctl %s\n", strings.Join(args, " "))
	var said strings.Builder
	program, err := exec.LookPath("imgctl")
	if err != nil {
		return "", fmt.Errorf("%w\nrun it with `make demo-prepare`, which builds it first", err)
	}
	if program, err = filepath.Abs(program); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = d.dir, io.MultiWriter(d.out, &said), d.out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("imgctl %s: %w", strings.Join(args, " "), err)
	}
	return said.String(), nil
}
