package change_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sweep"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// promotion takes a name over from an image that is shared with two projects.
var promotion = changetest.Subject{
	Name: "promote",
	World: func(t *testing.T) *changetest.World {
		s := sandboxtest.Start(t, sandbox.Options{})
		add(t, s, sandbox.Image{
			Name: "web", Project: "demo", Visibility: "shared", Data: []byte("old"),
			Members: map[string]string{"member-a": "accepted", "member-b": "pending"},
		})
		fresh := add(t, s, sandbox.Image{Name: "web next", Project: "demo", Visibility: "private", Data: []byte("new")})
		w := &changetest.World{Cloud: s, Arg: fresh}
		w.State = func() string { return images(t, w) }
		return w
	},
	Plan: func(ctx context.Context, file, arg string) (change.Plan, error) {
		site := promote.Site{Run: string(cloud.NewRun()), Acceptors: map[string]*glance.Client{}}
		for _, entry := range []string{"demo", "member-a"} {
			c, err := cloudtest.Open(ctx, file, entry)
			if err != nil {
				return nil, err
			}
			sc, err := c.Image()
			if err != nil {
				return nil, err
			}
			if entry == "demo" {
				site.Images, site.Project = glance.New(sc), c.Project().ID
			} else {
				site.Acceptors[c.Project().ID] = glance.New(sc)
			}
		}
		p, err := promote.NewPlan(ctx, site, promote.Options{ImageID: arg, Name: "web"})
		if err != nil {
			return nil, err
		}
		return p.On(site), nil
	},
	Doors: []changetest.Door{
		imgctl(func(w *changetest.World) []string {
			return []string{"--os-cloud", "demo", "promote", "run", w.Arg, "--name", "web", "--accept-with", "member-a"}
		}, nil),
		{Name: "Packer", Stride: 7, Run: packer},
	},
}

// packer promotes by a post-processor behind a build of nothing.
func packer(t *testing.T, w *changetest.World, dry bool) *exec.Cmd {
	t.Helper()
	template := filepath.Join(t.TempDir(), "promote.pkr.hcl")
	if err := os.WriteFile(template, fmt.Appendf(nil, `
source "null" "none" { communicator = "none" }
build {
  sources = ["source.null.none"]
  post-processor "openstack-promote" {
    cloud       = "demo"
    image_id    = %q
    image_name  = "web"
    accept_with = ["member-a"]
    dry_run     = %v
  }
}
`, w.Arg, dry), 0o600); err != nil {
		t.Fatal(err)
	}
	return packertest.New(t).Command(t, []string{"OS_CLIENT_CONFIG_FILE=" + w.CloudsYAML()}, "build", template)
}

// sharing gives two projects an image for some time.
var sharing = changetest.Subject{
	Name: "share",
	World: func(t *testing.T) *changetest.World {
		s := sandboxtest.Start(t, sandbox.Options{})
		id := add(t, s, sandbox.Image{Name: "web", Project: "demo", Visibility: "private", Data: []byte("data")})
		w := &changetest.World{Cloud: s, Arg: id}
		w.State = func() string { return images(t, w) }
		return w
	},
	Plan: func(ctx context.Context, file, arg string) (change.Plan, error) {
		return share.PlanAdd(ctx, func(ctx context.Context, name string) (*share.Tenancy, error) {
			c, err := cloudtest.Open(ctx, file, name)
			if err != nil {
				return nil, err
			}
			site, err := share.NewTenancy(c)
			if err == nil {
				site.Cloud = name
			}
			return site, err
		}, share.AddOptions{
			Selection: share.Selection{Images: []string{arg}}, From: "demo", To: []string{"member-a", "member-b"},
			Tuning: share.Tuning{Expires: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)},
		})
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		return []string{"share", "add", w.Arg, "--from", "demo", "--to", "member-a,member-b", "--expires", "2100-01-01T00:00:00Z"}
	}, []string{"image_id", "image", "project_id", "project", "cloud", "before", "after", "expires", "note"})},
}

// sweeping removes what a dead build and a dead copy left.
var sweeping = changetest.Subject{
	Name: "sweep",
	World: func(t *testing.T) *changetest.World {
		s := sandboxtest.Start(t, sandbox.Options{})
		past := time.Now().Add(-time.Hour)
		for n := range 3 {
			run := cloud.NewRun()
			properties := run.Metadata(past)
			name := run.Name()
			if n == 2 {
				name, properties[glance.CopyingKey] = "web", "demo/1/2"
			}
			add(t, s, sandbox.Image{
				Name: name, Project: "demo", Visibility: "private", Hidden: true, CreatedAt: past,
				Properties: properties,
			})
		}
		add(t, s, sandbox.Image{
			Name: "web", Project: "demo", Visibility: "private", Data: []byte("data"),
			Properties: cloud.NewRun().Metadata(past),
		})
		w := &changetest.World{Cloud: s}
		w.State = func() string { return images(t, w) }
		return w
	},
	Plan: func(ctx context.Context, file, _ string) (change.Plan, error) {
		c, err := cloudtest.Open(ctx, file, "demo")
		if err != nil {
			return nil, err
		}
		return sweep.NewPlan(ctx, c, sweep.Options{})
	},
	Doors: []changetest.Door{imgctl(func(*changetest.World) []string { return []string{"--os-cloud", "demo", "sweep", "--apply"} },
		[]string{"kind", "id", "name", "run", "age", "why", "action", "outcome", "created", "deadline"})},
}
