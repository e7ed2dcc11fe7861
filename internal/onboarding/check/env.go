package check

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Options of a check.
type Options struct {
	Profile  *Profile
	Test     *cloud.Cloud // signed in to the project of the test nodes
	Control  *cloud.Cloud // to that of the mirror; nil if none was named
	Regions  []string     // nil: the one that Test is in
	Launched bool         // what launching the cloud does is a must, too
	Strict   bool         // warnings count as failures
	Active   *Active      // nil: only read
	Spelling fault.Speller
}

// AllRegions in Regions is every region of the catalog.
const AllRegions = "all"

// env is what the checks of one region look at.
type env struct {
	o             *Options
	p             *Profile
	region        string
	test, control *side
	booted        *finding // of an active check's server; nil without one
	uploaded      *finding
	features      []string // of images, as tried
}

// sides are the projects that are checked.
func (e *env) sides() []*side {
	if e.control == nil {
		return []*side{e.test}
	}
	return []*side{e.test, e.control}
}

// Regions checks the names of regions without asking a cloud.
func Regions(names []string) error {
	for _, r := range names {
		switch {
		case strings.TrimSpace(r) == "":
			return fault.Bad("region", "name a region, or "+AllRegions, "it is empty")
		case r == AllRegions && len(names) > 1:
			return fault.Bad("region", "", "%s already has the others", AllRegions)
		}
	}
	return nil
}

// regions are those that the options name.
func (o *Options) regions() ([]string, error) {
	known := o.Test.Regions()
	if slices.Equal(o.Regions, []string{AllRegions}) {
		if len(known) == 0 {
			return nil, fault.New(fault.NotFound, "", "the catalog of cloud %q has no regions", o.Test.Name())
		}
		return known, nil
	}
	if len(o.Regions) == 0 {
		region := o.Test.Region()
		if region == "" && len(known) > 0 {
			region = known[0]
		}
		return []string{region}, nil
	}
	for _, r := range o.Regions {
		if !slices.Contains(known, r) {
			_, err := o.Test.In(r)
			return nil, err
		}
	}
	return o.Regions, nil
}

// look reads what the checks of one region need, all at once.
func look(ctx context.Context, o *Options, region string) (*env, error) {
	e := &env{o: o, p: o.Profile, region: region}
	var g errgroup.Group
	for _, s := range []struct {
		cloud *cloud.Cloud
		into  **side
	}{{o.Test, &e.test}, {o.Control, &e.control}} {
		if s.cloud == nil {
			continue
		}
		there := s.cloud
		if region != "" {
			var err error
			if there, err = s.cloud.In(region); err != nil {
				there = nil // K2 says so
			}
		}
		*s.into = newSide(s.cloud, there)
		g.Go(func() error { (*s.into).read(ctx); return nil })
	}
	_ = g.Wait() // they return nil
	return e, ctx.Err()
}

// results makes the checks that are meant.
func (e *env) results(ctx context.Context, meant func(*kind) bool) []Result {
	var all []Result
	for _, k := range catalogue {
		severity := k.of(e.p)
		if severity == Off || !meant(k) {
			continue
		}
		start := time.Now()
		f := e.make(ctx, k)
		r := Result{
			ID: k.id, Title: k.title, Cloud: e.o.Test.Name(), Region: e.region, Severity: severity, Status: severity.status(f.verdict),
			Evidence: f.evidence, Remedy: f.remedy, Took: time.Since(start),
		}
		if k.global {
			r.Region = ""
		}
		all = append(all, r)
	}
	return all
}

func (e *env) make(ctx context.Context, k *kind) finding {
	if k.control && e.control == nil {
		return found(skipped, fault.Advise("name it with %s", fault.Option("ci")), "the cloud of the mirror's project wasn't named")
	}
	f := k.run(ctx, e)
	if k.launched && !e.o.Launched && (f.verdict == unmet || f.verdict == barely) {
		f.verdict = later
	}
	return f
}

// fitting is the flavor for the test nodes, nil if none fits; whole is false if it has less of something that
// nodes can do without.
func (e *env) fitting() (f *flavors.Flavor, volume, whole bool) {
	return choose(e.test.flavors.value, e.p.Test.RAM, e.p.Test.VCPUs, e.p.Test.Disk, e.test.volumes())
}
