package change_test

import (
	"context"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/leaks"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// leaking removes images that nodepool no longer needs.
var leaking = changetest.Subject{
	Name: "leaks",
	World: func(t *testing.T) *changetest.World {
		s := sandboxtest.Start(t, sandbox.Options{})
		for n, name := range []string{"debian-1700000001", "debian-1700000002", "debian-1700000003", "debian-1700000004", "mirror"} {
			i := sandbox.Image{
				Name: name, Project: "demo", Visibility: "private", Data: []byte("data"),
				CreatedAt: time.Now().Add(time.Duration(n-100) * time.Hour),
			}
			if name != "mirror" {
				i.Properties = map[string]string{"nodepool_build_id": "1"}
			}
			add(t, s, i)
		}
		w := &changetest.World{Cloud: s}
		w.State = func() string { return images(t, w) }
		return w
	},
	Plan: func(ctx context.Context, file, _ string) (change.Plan, error) {
		c, err := cloudtest.Open(ctx, file, "demo")
		if err != nil {
			return nil, err
		}
		return leaks.NewPlan(ctx, c, leaks.Options{})
	},
	Doors: []changetest.Door{imgctl(func(*changetest.World) []string { return []string{"--os-cloud", "demo", "cloud", "leaks", "--apply"} },
		[]string{"kind", "id", "name", "age", "why", "outcome", "created"})},
}
