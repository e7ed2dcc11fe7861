package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// crowd is what many builds of one run took together.
type crowd struct {
	builds      int
	wall, cpu   time.Duration
	perEndpoint float64 // the most connections to one service
}

// many builds a template of many sources.
func (p *plugin) many(ctx context.Context, cloud *sandbox.Cloud, builds int) (crowd, error) {
	var sources strings.Builder
	for n := range builds {
		fmt.Fprintf(&sources, "  source \"openstack.bench\" {\n    name       = \"b%d\"\n    image_name = \"bench-%d\"\n  }\n", n, n)
	}
	text := strings.Replace(template, "  image_name        = \"bench\"\n", "", 1)
	text = strings.Replace(text, "  sources = [\"source.openstack.bench\"]\n", sources.String(), 1)
	path := filepath.Join(p.dir, "many.pkr.hcl")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "SOURCE", p.source)), 0o600); err != nil {
		return crowd{}, err
	}
	cloud.ResetRequests()
	start := time.Now()
	cmd, err := p.packer(ctx, cloud.Env("demo"), "build", path)
	if err != nil {
		return crowd{}, err
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	_, most := connections(cloud.Requests())
	return crowd{builds, time.Since(start), cpu, most}, nil
}

// connections are how many were opened, and the most of them to one service.
func connections(requests []sandbox.Request) (all, most float64) {
	used, services := map[int64]bool{}, map[string]map[int64]bool{}
	for _, r := range requests {
		service := strings.SplitN(r.Path, "/", 3)[1]
		if services[service] == nil {
			services[service] = map[int64]bool{}
		}
		used[r.ConnID], services[service][r.ConnID] = true, true
	}
	for _, c := range services {
		most = max(most, float64(len(c)))
	}
	return float64(len(used)), most
}

// crowds are how many builds run at once.
var crowds = []int{8, 32}

// together measures both plugins with many builds of one run.
func together(ctx context.Context, cloud *sandbox.Cloud, theirs, ours *plugin) (rows []row, err error) {
	for _, n := range crowds {
		fmt.Fprintf(os.Stderr, "%d builds of one run\n", n)
		t, err := theirs.many(ctx, cloud, n)
		if err != nil {
			return nil, err
		}
		o, err := ours.many(ctx, cloud, n)
		if err != nil {
			return nil, err
		}
		rows = append(rows,
			row{fmt.Sprintf("%d builds of one run", n), t.wall.Seconds(), o.wall.Seconds(), "s", 2.5 * seconds(ours.wall)},
			row{"CPU time of that", t.cpu.Seconds(), o.cpu.Seconds(), "s", t.cpu.Seconds()},
			row{"connections to one service, at most", t.perEndpoint, o.perEndpoint, "", 3})
	}
	return rows, nil
}
