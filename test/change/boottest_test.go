package change_test

import (
	"context"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// booting tests an image by the console of its server. What a killed test leaves is for a sweep.
var booting = changetest.Subject{
	Name: "boot test",
	World: func(t *testing.T) *changetest.World {
		s := sandboxtest.Start(t, sandbox.Options{})
		id := add(t, s, sandbox.Image{Name: "web", Project: "demo", Visibility: "private", Data: []byte("data")})
		w := &changetest.World{Cloud: s, Arg: id, Path: "/compute/**"}
		w.State = func() string {
			img, _ := s.Image(id)
			return images(t, w) + " " + img.Properties[boottest.ResultKey]
		}
		return w
	},
	Plan: func(ctx context.Context, file, arg string) (change.Plan, error) {
		c, err := cloudtest.Open(ctx, file, "demo")
		if err != nil {
			return nil, err
		}
		site, err := boottest.NewSite(c, cloud.NewRun())
		if err != nil {
			return nil, err
		}
		return boottest.NewPlan(ctx, site, boottest.Options{
			Image: arg, Flavor: "m1.tiny", Networks: []string{"private"}, Console: "login:",
		})
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		return []string{
			"--os-cloud", "demo", "image", "boot-test", w.Arg, "--flavor", "m1.tiny", "--network", "private", "--console", "login:",
		}
	}, nil)},
}
