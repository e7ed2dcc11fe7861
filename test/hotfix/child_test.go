package hotfix_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/hotfix"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// childEnv has, in a process that only changes an image, what it is to do.
const childEnv = "IMGCTL_HOTFIX_TEST"

// conflicted is such a process's exit code if another one was there.
const conflicted = 9

func TestMain(m *testing.M) {
	text := os.Getenv(childEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	var c child
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		err = c.work(context.Background())
	}
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, err)
	if fault.Is(err, fault.Conflict) {
		os.Exit(conflicted)
	}
	os.Exit(1)
}

// child is a process that changes one image, in a layout or in a registry.
type child struct {
	Source, Target, Layout, Packages string
}

func (c child) work(ctx context.Context) (err error) {
	client, err := registry.New(registry.Options{Retries: -1})
	if err != nil {
		return err
	}
	defer client.Close()
	stores := transfer.Registries(client)
	job := hotfix.Job{SourceFolder: c.Layout, TargetFolder: c.Layout}
	if job.Source, err = reference.Parse(c.Source); err != nil {
		return err
	}
	if job.Target, err = reference.Parse(c.Target); err != nil {
		return err
	}
	if c.Layout != "" {
		l, err := layout.Create(c.Layout, false)
		if err != nil {
			return err
		}
		stores.Folders = map[string]transfer.Folder{c.Layout: l}
		defer func() { err = errors.Join(err, l.Close()) }()
	}
	files, err := rpmfile.Folder(ctx, c.Packages, nil)
	if err != nil {
		return err
	}
	plan, err := hotfix.NewPlan(ctx, stores, []hotfix.Job{job}, files, hotfix.Options{})
	if err != nil {
		return err
	}
	err = errors.Join(plan.Apply(ctx, quiet), plan.Close())
	if c.Layout != "" {
		err = errors.Join(err, stores.Folders[c.Layout].Finish(ctx, err != nil))
	}
	return err
}

// command is the process, behind the words of a program that starts it.
func (c child) command(t *testing.T, before ...string) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	words := slices.Concat(before, []string{os.Args[0]})
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text), "TMPDIR="+t.TempDir())
	return cmd
}

// succeed runs the process to its end.
func (c child) succeed(t *testing.T) {
	t.Helper()
	if out, err := c.command(t).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// inLayout are the digests of a layout's images by name. Each has to be whole.
func inLayout(t *testing.T, dir string) map[string]string {
	t.Helper()
	index, err := ggcr.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("the layout is broken: %v", err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, d := range m.Manifests {
		name := d.Annotations["org.opencontainers.image.ref.name"]
		if all[name] != "" {
			t.Errorf("the layout lists %s twice", name)
		}
		all[name] = d.Digest.String()
	}
	return all
}

// newLayout is a layout that has ns/nova-group:17.1 and ns/nova-passwd:17.1, and the registry's name,
// with which the images' names begin.
func newLayout(t *testing.T) (dir, host string) {
	t.Helper()
	s := serve(t)
	images(t, s)
	dir = t.TempDir()
	l, err := layout.Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	stores := transfer.Stores{Registries: connect(t), Folders: map[string]transfer.Folder{dir: l}}
	var jobs []transfer.Job
	for _, name := range []string{"ns/nova-group:17.1", "ns/nova-passwd:17.1"} {
		jobs = append(jobs, transfer.Job{Source: s.ref(t, name), Target: s.ref(t, name), TargetFolder: dir})
	}
	plan, err := transfer.NewPlan(t.Context(), stores, jobs, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	if got := inLayout(t, dir); len(got) != 2 {
		t.Fatalf("the layout has %v", got)
	}
	return dir, strings.TrimSuffix(s.host, "/")
}
