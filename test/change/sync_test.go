package change_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// syncing brings two images from a folder, one of which replaces another one.
var syncing = changetest.Subject{
	Name: "sync",
	World: func(t *testing.T) *changetest.World {
		s := sandboxtest.Start(t, sandbox.Options{})
		add(t, s, sandbox.Image{Name: "web", Project: "admin", Visibility: "public", Data: []byte("old")})
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "images"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"images/web.img": "new data", "images/db.img": "data", "images/SHA256SUMS": sums,
			"policy.yaml": "version: 1\nstores:\n  - folder: {path: images}\n",
		} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w := &changetest.World{Cloud: s, Arg: filepath.Join(folder, "policy.yaml")}
		w.State = func() string { return images(t, w) }
		return w
	},
	Plan: planSync,
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		return []string{"--os-cloud", "admin", "sync", "apply", "--policy", w.Arg}
	}, []string{"image", "release", "action", "reason", "outcome", "image_id", "size", "from"})},
}

const sums = `d5b7f828235a92d3d280fa08f3ddb9e5b6947123b44091c92db7594aa1408614  web.img
3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7  db.img
`

func planSync(ctx context.Context, file, arg string) (change.Plan, error) {
	text, err := os.ReadFile(arg)
	if err != nil {
		return nil, err
	}
	p, err := sync.ReadPolicy(text)
	if err != nil {
		return nil, err
	}
	from, err := p.Open(ctx, sync.Opening{Folder: filepath.Dir(arg)})
	if err != nil {
		return nil, err
	}
	c, err := cloudtest.Open(ctx, file, "admin")
	if err != nil {
		return nil, err
	}
	site, err := sync.NewSite(c)
	if err != nil {
		return nil, err
	}
	return sync.NewPlan(ctx, site, sync.Options{From: from})
}
