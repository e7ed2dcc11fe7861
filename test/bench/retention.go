package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// The cloud that a plan is made for, and the most that it may take.
const (
	manyImages, manyServers, manyBooted = 100_000, 45_000, 5000

	planTime   = 15 * time.Second
	planMemory = 300 << 20
	perPage    = 1000
)

// agePolicy hides images after a year and deletes them after two, three of each family apart.
const agePolicy = `version: 1
name: bench
select: {names: ["*"], owners: [any]}
group: [owner, family]
keep: 3
age: {from: created}
stages: {12mo: hide, 24mo: delete}
may_be_missing: [absent-services]
`

// byHand makes the same plan with the openstack client, as scripts do: who uses what first, then each image.
const byHand = `set -e
openstack --os-cloud admin server list --all-projects --long -f json >servers
openstack --os-cloud admin volume list --all-projects -f json >volumes
for hidden in "" --hidden; do
	for image in $(openstack --os-cloud admin image list $hidden --limit 10000 -f value -c ID); do
		created=$(openstack --os-cloud admin image show "$image" -f value -c created_at)
		if grep -q "$image" servers volumes; then echo "$image keep"
		elif [[ $created < $YEAR ]]; then echo "$image hide"
		fi
	done
done
`

// retaining measures plans of imgctl retention: for a large cloud, and for a small one against the openstack
// client. images is the size of the small one.
func retaining(ctx context.Context, images int) (string, error) {
	rows, err := largePlan(ctx)
	if err != nil {
		return "", err
	}
	if err := client(ctx); err != nil {
		return render("retention plan", "openstack client", rows) + fmt.Sprintf("\nIts peer is not measured: %v.\n", err), nil
	}
	small, err := smallPlan(ctx, images)
	if err != nil {
		return "", err
	}
	return render("retention plan", "openstack client", append(rows, small)), nil
}

// planned is what one plan took.
type planned struct {
	wall     time.Duration
	cpu      time.Duration
	memory   int64 // bytes, of the process that took most
	requests int
}

// plan makes a plan for a cloud.
func plan(ctx context.Context, cloud *sandbox.Cloud, w *shell) (planned, error) {
	policy := filepath.Join(w.home, "policy.yaml")
	if err := os.WriteFile(policy, []byte(agePolicy), 0o600); err != nil {
		return planned{}, err
	}
	cloud.ResetRequests()
	start := time.Now()
	cmd := exec.CommandContext(ctx, "bin/imgctl", "--os-cloud", "admin", "retention", "plan", "--policy", policy, "--out",
		filepath.Join(w.home, "plan.json"), "--changes", "-f", "csv")
	cmd.Env = w.env
	out, err := cmd.CombinedOutput()
	p := planned{wall: time.Since(start)}
	if err != nil {
		return p, fmt.Errorf("%w: %s", err, out)
	}
	p.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // of the plugin, too
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		p.memory = usage.Maxrss << 10 // of the plugin, too: imgctl waits for it
	}
	for _, r := range cloud.Requests() {
		if !strings.HasPrefix(r.Path, "/identity/") {
			p.requests++
		}
	}
	return p, nil
}

func largePlan(ctx context.Context) ([]row, error) {
	fmt.Fprintf(os.Stderr, "a plan for %d images and %d servers\n", manyImages, manyServers+manyBooted)
	cloud, err := sandbox.Start(ctx, sandbox.Options{})
	if err != nil {
		return nil, err
	}
	defer cloud.Close()
	population := sandbox.Population{Images: manyImages, Servers: manyServers, VolumeBooted: manyBooted}
	if _, err := cloud.Populate(population); err != nil {
		return nil, err
	}
	w, err := newShell(cloud)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(w.home)
	if _, err := w.timed(ctx, "imgctl", "--help"); err != nil { // fills the cache of manifests
		return nil, err
	}
	p, err := plan(ctx, cloud, w)
	if err != nil {
		return nil, err
	}
	pages := 0
	for _, n := range []int{manyImages, manyServers + manyBooted, manyBooted} {
		pages += n/perPage + 2 // hidden images are a list of their own; the last page is not full, or empty
	}
	const others = 14 // the sources of which there is nothing, a page each, and versions of services
	return []row{
		{"of 100,000 images and 50,000 servers", 0, p.wall.Seconds(), "s", planTime.Seconds()},
		{"CPU time of that", 0, p.cpu.Seconds(), "s", -1},
		{"memory of the process that took most", 0, mib(p.memory), "MiB", mib(planMemory)},
		{"requests", 0, float64(p.requests), "", float64(pages + others)},
	}, nil
}

func smallPlan(ctx context.Context, images int) (row, error) {
	fmt.Fprintf(os.Stderr, "a plan for %d images by a shell loop, which takes minutes\n", images)
	cloud, err := sandbox.Start(ctx, sandbox.Options{})
	if err != nil {
		return row{}, err
	}
	defer cloud.Close()
	if _, err := cloud.Populate(sandbox.Population{Images: images, Servers: images / 2, VolumeBooted: images / 20}); err != nil {
		return row{}, err
	}
	w, err := newShell(cloud)
	if err != nil {
		return row{}, err
	}
	defer os.RemoveAll(w.home)
	if _, err := w.timed(ctx, "imgctl", "--help"); err != nil {
		return row{}, err
	}
	ours, err := plan(ctx, cloud, w)
	if err != nil {
		return row{}, err
	}
	w.env = append(w.env, "YEAR="+time.Now().AddDate(-1, 0, 0).UTC().Format(time.RFC3339))
	theirs, err := w.timed(ctx, "bash", "-c", "cd "+w.home+" && "+byHand)
	if err != nil {
		return row{}, err
	}
	return row{fmt.Sprintf("of %d images", images), theirs.Seconds(), ours.wall.Seconds(), "s", theirs.Seconds() / 30}, nil
}
