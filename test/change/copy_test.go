package change_test

import (
	"context"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// copying sends two images that share a layer to another registry.
var copying = changetest.Subject{
	Name: "copy",
	World: func(t *testing.T) *changetest.World {
		r := startRegistries(t)
		return &changetest.World{Servers: r, Arg: r.from + " " + r.to, State: func() string { return r.state(t, r.to, copied...) }}
	},
	Plan: func(ctx context.Context, _, arg string) (change.Plan, error) {
		c, err := registry.New(registry.Options{})
		if err != nil {
			return nil, err
		}
		from, to, _ := strings.Cut(arg, " ")
		var jobs []transfer.Job
		for _, path := range copied {
			source, err := reference.Parse(from + "/" + path)
			if err != nil {
				return nil, err
			}
			target, err := reference.Parse(to + "/" + path)
			if err != nil {
				return nil, err
			}
			jobs = append(jobs, transfer.Job{Source: source, Target: target})
		}
		return transfer.NewPlan(ctx, transfer.Registries(c), jobs, transfer.Options{})
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		from, to, _ := strings.Cut(w.Arg, " ")
		return []string{"prepare", "push", from + "/" + copied[0], from + "/" + copied[1], "--registry-url", to}
	}, []string{"source", "target", "state", "bytes", "missing", "digest", "attached", "problem"})},
}
