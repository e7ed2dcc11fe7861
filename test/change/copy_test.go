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

// copyKeys are the columns of a copy.
var copyKeys = []string{"source", "target", "state", "bytes", "missing", "digest", "attached", "problem"}

// copying sends two images that share a layer to another registry.
var copying = changetest.Subject{
	Name: "copy",
	World: func(t *testing.T) *changetest.World {
		r := startRegistries(t)
		return &changetest.World{Servers: r, Arg: r.from + " " + r.to, State: func() string { return r.state(t, r.to, copied...) }}
	},
	Plan: func(ctx context.Context, _, arg string) (change.Plan, error) {
		from, to, _ := strings.Cut(arg, " ")
		return planCopy(ctx, transfer.Stores{}, from, to, func(*transfer.Job) {})
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		from, to, _ := strings.Cut(w.Arg, " ")
		return []string{"prepare", "push", from + "/" + copied[0], from + "/" + copied[1], "--registry-url", to}
	}, copyKeys)},
}

// planCopy plans to copy the images from one registry to another; change changes each job.
func planCopy(ctx context.Context, s transfer.Stores, from, to string, change func(j *transfer.Job)) (*transfer.Plan, error) {
	c, err := registry.New(registry.Options{})
	if err != nil {
		return nil, err
	}
	s.Registries = c
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
		j := transfer.Job{Source: source, Target: target}
		change(&j)
		jobs = append(jobs, j)
	}
	return transfer.NewPlan(ctx, s, jobs, transfer.Options{})
}
