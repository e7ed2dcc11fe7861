package change_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

var nodeKeys = []string{"node_id", "node", "state", "kernel_before", "ramdisk_before", "kernel", "ramdisk", "detail"}

// pushing rolls a deploy ramdisk out to nodes with different values of their own.
var pushing = changetest.Subject{
	Name: "ipa push", World: baremetalWorld,
	Plan: func(ctx context.Context, file, _ string) (change.Plan, error) {
		s, err := baremetalSite(ctx, file)
		if err != nil {
			return nil, err
		}
		return pushPlan(ctx, s)
	},
	Doors: []changetest.Door{imgctl(func(*changetest.World) []string {
		return []string{"--os-cloud", "admin", "ipa", "push", "--node-type", "rack"}
	}, nodeKeys)},
}

// rollingBack takes such a rollout back.
var rollingBack = changetest.Subject{
	Name: "ipa rollback",
	World: func(t *testing.T) *changetest.World {
		w := baremetalWorld(t)
		s, err := baremetalSite(t.Context(), w.File())
		if err != nil {
			t.Fatal(err)
		}
		p, err := pushPlan(t.Context(), s)
		if err == nil {
			err = p.Apply(t.Context(), report.Discard)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.Arg = string(s.Run)
		return w
	},
	Plan: func(ctx context.Context, file, arg string) (change.Plan, error) {
		s, err := baremetalSite(ctx, file)
		if err != nil {
			return nil, err
		}
		return baremetal.NewRollback(ctx, s, baremetal.RollbackOptions{Run: arg})
	},
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		return []string{"--os-cloud", "admin", "ipa", "rollback", "--run", w.Arg}
	}, nodeKeys)},
}

func baremetalSite(ctx context.Context, file string) (*baremetal.Site, error) {
	c, err := cloudtest.Open(ctx, file, "admin")
	if err != nil {
		return nil, err
	}
	return baremetal.NewSite(c, "", cloud.NewRun())
}

func pushPlan(ctx context.Context, s *baremetal.Site) (*baremetal.Push, error) {
	return baremetal.NewPush(ctx, s, baremetal.PushOptions{Selection: baremetal.Selection{Type: "rack"}, Canary: 1})
}

// baremetalWorld has three nodes with different values, and the pair of a build.
func baremetalWorld(t *testing.T) *changetest.World {
	t.Helper()
	seed := sandbox.DefaultSeed()
	seed.Nodes = []sandbox.Node{
		{Name: "node-1", Type: "rack", Kernel: "k1", Ramdisk: "r1"}, {Name: "node-2", Type: "rack"}, {Name: "node-3", Type: "rack", Kernel: "k3"},
	}
	s := sandboxtest.Start(t, sandbox.Options{Seed: seed, Transition: time.Millisecond})
	names := []string{}
	for _, role := range []string{"kernel", "initramfs"} {
		id := add(t, s, sandbox.Image{
			Name: role, Project: "admin", Data: []byte(role), Properties: map[string]string{"build-ipa": role, "build-tag": "9"},
		})
		names = append(names, id, "(new "+role+")")
	}
	w := &changetest.World{Cloud: s, Path: "/baremetal/**"}
	w.State = func() string {
		var lines []string
		for _, name := range []string{"node-1", "node-2", "node-3"} {
			n, _ := s.Node(name)
			state := "no run"
			if journal, ok := n.Extra[baremetal.JournalKey].(map[string]any); ok {
				runs, _ := journal["runs"].([]any)
				last, _ := runs[0].(map[string]any)
				state = fmt.Sprint(len(runs), " runs, the last ", last["state"], " from ", last["before"])
			}
			lines = append(lines, fmt.Sprintf("%s %s kernel=%s ramdisk=%s %s", name, n.State, n.Kernel, n.Ramdisk, state))
		}
		return strings.NewReplacer(names...).Replace(strings.Join(lines, "\n"))
	}
	return w
}
