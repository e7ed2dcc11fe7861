package change_test

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// exporting writes two images that share a layer into a layout of that name.
func exporting(name string) changetest.Subject {
	return changetest.Subject{
		Name: "export to " + name,
		World: func(t *testing.T) *changetest.World {
			r, path := startRegistries(t), filepath.Join(t.TempDir(), name)
			return &changetest.World{Servers: r, Arg: r.from + " " + path, State: func() string { return layoutState(t, path) }}
		},
		Plan: func(ctx context.Context, _, arg string) (change.Plan, error) {
			from, path, _ := strings.Cut(arg, " ")
			l, err := layout.Create(path, false)
			if err != nil {
				return nil, err
			}
			s := transfer.Stores{Folders: map[string]transfer.Folder{path: l}}
			return planCopy(ctx, s, from, from, func(j *transfer.Job) { j.TargetFolder = path })
		},
		Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
			from, path, _ := strings.Cut(w.Arg, " ")
			return []string{"prepare", "export", path, from + "/" + copied[0], from + "/" + copied[1]}
		}, copyKeys)},
	}
}

// importing copies the images of a layout to a registry.
var importing = changetest.Subject{
	Name: "import",
	World: func(t *testing.T) *changetest.World {
		r, path := startRegistries(t), filepath.Join(t.TempDir(), "images.tar")
		l, err := layout.Create(path, false)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		s := transfer.Stores{Folders: map[string]transfer.Folder{path: l}}
		plan, err := planCopy(t.Context(), s, r.from, "carried.example", func(j *transfer.Job) { j.TargetFolder = path })
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Apply(t.Context(), report.Discard); err != nil {
			t.Fatal(err)
		}
		return &changetest.World{
			Servers: r, Arg: path + " " + r.to, State: func() string { return r.state(t, r.to, copied...) },
		}
	},
	Plan: func(ctx context.Context, _, arg string) (change.Plan, error) {
		path, to, _ := strings.Cut(arg, " ")
		l, err := layout.Open(path)
		if err != nil {
			return nil, err
		}
		images, err := l.Images(ctx)
		if err != nil {
			return nil, err
		}
		c, err := registry.New(registry.Options{})
		if err != nil {
			return nil, err
		}
		destination, err := reference.ParseDestination(to)
		if err != nil {
			return nil, err
		}
		var jobs []transfer.Job
		for _, i := range images {
			jobs = append(jobs, transfer.Job{Source: i, Target: destination.Of(i), SourceFolder: path, MultiArch: true})
		}
		return transfer.NewPlan(ctx, transfer.Stores{Registries: c, Folders: map[string]transfer.Folder{path: l}}, jobs, transfer.Options{})
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		path, to, _ := strings.Cut(w.Arg, " ")
		return []string{"prepare", "import", path, "--registry-url", to}
	}, copyKeys)},
}

// layoutState is what a layout has, read to its last byte. What a killed run has left of a file isn't
// part of it.
func layoutState(t *testing.T, path string) string {
	t.Helper()
	l, err := layout.Open(path)
	if fault.Is(err, fault.NotFound) {
		return "nothing" // or it was only begun
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	images, err := l.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, i := range images {
		at := registry.Image{Repository: i.Name(), Identifier: i.Identifier()}
		m, err := l.Manifest(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range m.Refers() {
			var n int64
			body, err := l.Blob(t.Context(), "", at.Repository, d)
			if err == nil {
				n, err = io.Copy(io.Discard, body)
				body.Close()
			}
			// The registry has another address in each world.
			lines = append(lines, fmt.Sprintf("%s:%s has a blob of %d bytes, %v", i.Path, i.Tag, n, err))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
