// Bench measures this plugin and HashiCorp's packer-plugin-openstack side by side, and imgctl and
// OpenStackClient: the same packer, the same template, the same cloud, in turns. `make bench` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// transition is how long each change of state takes in the sandbox.
const transition = 500 * time.Millisecond

// verbose shows each request.
var verbose bool

func main() {
	flag.BoolVar(&verbose, "v", false, "show each request of the builds")
	record := flag.String("record", "", "write the table into this `FILE`, between its bench marks")
	builds := flag.Int("builds", 3, "builds of each plugin; 0 measures sharing alone")
	cloud := flag.String("real", "", "build on the real cloud of this clouds.yaml `FILE`, as its entry ci")
	only := flag.Bool("incumbent", false, "build HashiCorp's plugin and measure nothing")
	projects := flag.Int("projects", 50, "projects to share an image with; 0 leaves sharing out")
	plans := flag.Int("plans", 200, "images of the plan that the openstack client makes, too; 0 leaves retention out")
	nodes := flag.Int("nodes", 200, "bare metal nodes to push a deploy ramdisk to; 0 leaves them out")
	image := flag.Int("image", 2048, "MiB of an image that is synced; 0 leaves syncing out")
	checks := flag.Int("checks", 5, "checks of a cloud; 0 leaves them out")
	resources := flag.Int("launch", 40, "resources of each of the clouds that are launched; 0 leaves launching out")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	switch {
	case *only:
		err = onlyIncumbent(ctx)
	case *cloud != "":
		err = onReal(ctx, *cloud, "ci", *builds, *record)
	case *builds == 0 && *projects == 0 && *plans == 0 && *nodes == 0 && *image == 0 && *checks == 0:
		err = launchingAlone(ctx, *resources)
	case *builds == 0 && *projects == 0 && *plans == 0 && *nodes == 0 && *image == 0:
		err = checkingAlone(ctx, *checks)
	case *builds == 0 && *projects == 0 && *plans == 0 && *nodes == 0:
		err = syncingAlone(ctx, *image)
	case *builds == 0 && *projects == 0 && *plans == 0:
		err = pushingAlone(ctx, *nodes)
	case *builds == 0 && *projects == 0:
		err = retainingAlone(ctx, *plans)
	case *builds == 0:
		err = sharingAlone(ctx, *projects)
	default:
		err = run(ctx, *builds, *projects, *plans, *nodes, *image, *checks, *resources, *record)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, builds, projects, plans, nodes, image, checks, resources int, record string) error {
	cache, err := filepath.Abs(".cache/bench")
	if err != nil {
		return err
	}
	theirs, err := incumbent(ctx, cache)
	if err != nil {
		return err
	}
	ours, err := installed(ctx, filepath.Join(cache, "ours"), "github.com/imgctl/openstack", "bin/packer-plugin-openstack")
	if err != nil {
		return err
	}
	none, err := empty(ctx, cache)
	if err != nil {
		return err
	}
	unlimited := sandbox.ServerQuotas{Instances: -1, Cores: -1, RAM: -1, KeyPairs: -1}
	cloud, err := sandbox.Start(ctx, sandbox.Options{Transition: transition, Seed: seed(), ServerQuotas: unlimited})
	if err != nil {
		return err
	}
	defer cloud.Close()
	for _, p := range []*plugin{theirs, ours} {
		if err := p.writeTemplate(); err != nil {
			return err
		}
	}
	// In turns, so that what else the machine does hits both.
	for n := range builds {
		for _, p := range []*plugin{theirs, ours} {
			fmt.Fprintf(os.Stderr, "build %d of %d with %s\n", n+1, builds, p.source)
			if err := p.build(ctx, cloud); err != nil {
				return err
			}
		}
	}
	for range 3 * builds {
		if err := none.floor(ctx); err != nil {
			return err
		}
		for _, p := range []*plugin{theirs, ours} {
			if err := p.quick(ctx, cloud); err != nil {
				return err
			}
		}
	}
	crowds, err := together(ctx, cloud, theirs, ours)
	if err != nil {
		return err
	}
	table := compare(theirs, ours, none, crowds)
	if projects > 0 {
		shared, err := sharing(ctx, projects)
		if err != nil {
			return err
		}
		table += "\n" + shared
	}
	if plans > 0 {
		planned, err := retaining(ctx, plans)
		if err != nil {
			return err
		}
		table += "\n" + planned
	}
	if nodes > 0 {
		pushed, err := pushing(ctx, nodes)
		if err != nil {
			return err
		}
		table += "\n" + pushed
	}
	if image > 0 {
		synced, err := syncing(ctx, image)
		if err != nil {
			return err
		}
		table += "\n" + synced
	}
	if checks > 0 {
		checked, err := checkingCloud(ctx, checks)
		if err != nil {
			return err
		}
		table += "\n" + checked
	}
	if resources > 0 {
		launched, err := launching(ctx, resources)
		if err != nil {
			return err
		}
		table += "\n" + launched
	}
	fmt.Print("\n" + table)
	if record == "" {
		return nil
	}
	return write(record, "bench", table)
}

func retainingAlone(ctx context.Context, plans int) error {
	table, err := retaining(ctx, plans)
	fmt.Print(table)
	return err
}

func sharingAlone(ctx context.Context, projects int) error {
	table, err := sharing(ctx, projects)
	fmt.Print(table)
	return err
}

func seed() sandbox.Seed {
	s := sandbox.DefaultSeed()
	s.Images = []sandbox.Image{{Project: "demo", Data: make([]byte, 1<<20), Name: "base", Visibility: sandbox.Private}}
	return s
}

func onlyIncumbent(ctx context.Context) error {
	cache, err := filepath.Abs(".cache/bench")
	if err == nil {
		_, err = incumbent(ctx, cache)
	}
	return err
}
