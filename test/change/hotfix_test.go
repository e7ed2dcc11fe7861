package change_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/hotfix"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
)

// fixing adds a package to two images that share a base, and puts the results into another registry.
var fixing = changetest.Subject{
	Name: "hotfix",
	World: func(t *testing.T) *changetest.World {
		rpmtest.Need(t)
		r, dir := &registries{}, t.TempDir()
		r.from, r.to = r.start(t), r.start(t)
		made := makeFix(t)
		if err := os.WriteFile(filepath.Join(dir, "fix.rpm"), made.rpm, 0o600); err != nil {
			t.Fatal(err)
		}
		var results []string
		for n, path := range copied {
			r.push(t, path, rpmtest.Image(t, made.layer(t, 0), made.layer(t, n+1)))
			results = append(results, path+"-fix")
		}
		return &changetest.World{
			Servers: r, Arg: strings.Join([]string{r.from, r.to, dir}, " "),
			State: func() string { return r.state(t, r.to, results...) },
		}
	},
	Plan: func(ctx context.Context, _, arg string) (change.Plan, error) {
		words := strings.Fields(arg)
		c, err := registry.New(registry.Options{})
		if err != nil {
			return nil, err
		}
		var jobs []hotfix.Job
		for _, path := range copied {
			source, err := reference.Parse(words[0] + "/" + path)
			if err != nil {
				return nil, err
			}
			target, err := reference.Parse(words[1] + "/" + path + "-fix")
			if err != nil {
				return nil, err
			}
			jobs = append(jobs, hotfix.Job{Source: source, Target: target})
		}
		files, err := rpmfile.Folder(ctx, words[2], nil)
		if err != nil {
			return nil, err
		}
		return hotfix.NewPlan(ctx, transfer.Registries(c), jobs, files, hotfix.Options{Append: "-fix"})
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		words := strings.Fields(w.Arg)
		return []string{
			"prepare", "hotfix", "--image", words[0] + "/" + copied[0], "--image", words[0] + "/" + copied[1], "--registry-url", words[1],
			"--rpms-path", words[2], "--tag", "fix",
		}
	}, []string{"source", "target", "state", "packages", "files", "bytes", "digest", "problem"})},
}

// fix is a package, and the layers of two images that have an older one: their base, and one for each.
type fix struct {
	once   sync.Once
	rpm    []byte
	layers [][]byte
}

var oneFix fix

// makeFix makes it once, as that takes longer than all else.
func makeFix(t *testing.T) *fix {
	t.Helper()
	oneFix.once.Do(func() {
		version := func(v string) rpmtest.Package {
			return rpmtest.Package{Name: "nova", Version: v, Files: []rpmtest.File{{Path: "/usr/lib/nova.py", Content: v}}}
		}
		root := rpmtest.NewRoot(t, rpmtest.Build(t, "", version("1")))
		for _, l := range []v1.Layer{rpmtest.Layer(t, root), rpmtest.Layer(t, root, "etc/passwd"), rpmtest.Layer(t, root, "etc/group")} {
			body, err := l.Uncompressed()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(body)
			body.Close()
			if err != nil {
				t.Fatal(err)
			}
			oneFix.layers = append(oneFix.layers, text)
		}
		files, err := filepath.Glob(filepath.Join(rpmtest.Build(t, "", version("2")), "*.rpm"))
		if err != nil || len(files) != 1 {
			t.Fatalf("rpmbuild made %q, %v", files, err)
		}
		if oneFix.rpm, err = os.ReadFile(files[0]); err != nil {
			t.Fatal(err)
		}
	})
	if len(oneFix.layers) != 3 || oneFix.rpm == nil {
		t.Fatal("the package couldn't be made")
	}
	return &oneFix
}

func (f *fix) layer(t *testing.T, n int) v1.Layer {
	t.Helper()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.layers[n])), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}
