package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

// parallelFlags bound what is done at once.
func parallelFlags() sdk.Flags {
	return sdk.Flags{
		sdk.Int("parallel-images", 16, "images whose manifests are read and stored at once"),
		sdk.Int("parallel-blobs", 8, "blobs that are sent at once"),
	}
}

// copyFlags bound a copy.
func copyFlags() sdk.Flags {
	return slices.Concat(parallelFlags(), folderFlags(), sdk.Flags{
		sdk.String("max-rate", "", "bytes per second to fetch at most, such as 20MiB").ValueName("SIZE"),
		sdk.Enum("referrers", string(transfer.NewReferrers), "signatures, SBOMs and whatever else is attached to images: copy those of "+
			"images that are copied, also new ones of images that are up to date, or none", string(transfer.NewReferrers),
			string(transfer.AllReferrers), string(transfer.NoReferrers)),
	})
}

// lockFlags keep digests.
func lockFlags() sdk.Flags {
	return sdk.Flags{
		sdk.File("lock", "", "keep the digests of what is copied in this file").Writes(),
		sdk.Bool("frozen", "copy exactly what the lock file has, whatever tags say now"),
	}
}

func limits(in *sdk.Input) (transfer.Options, error) {
	o := transfer.Options{Images: in.Int("parallel-images"), Blobs: in.Int("parallel-blobs")}
	if o.Images < 1 {
		return o, fault.Bad("parallel_images", "", "has to be at least 1")
	}
	if o.Blobs < 1 {
		return o, fault.Bad("parallel_blobs", "", "has to be at least 1")
	}
	return o, nil
}

// copyOptions are the limits and what else a copy's flags say.
func copyOptions(in *sdk.Input) (transfer.Options, error) {
	o, err := limits(in)
	if err != nil {
		return o, err
	}
	o.Referrers = transfer.Referrers(in.String("referrers"))
	if in.IsSet("max-rate") {
		if o.Rate, err = quantity.ParseBytes(in.String("max-rate")); err != nil || o.Rate < 1 {
			return o, fault.Bad("max_rate", "", "%q is no size, such as 20MiB", in.String("max-rate"))
		}
	}
	return o, nil
}

// planCopy plans the copies and changes that the decision asks for.
func planCopy(ctx context.Context, in *sdk.Input, d *deployment, result *decide.Result, open opening) (*modify.Plan, error) {
	o, err := copyOptions(in)
	if err != nil {
		return nil, err
	}
	changes, err := modifyOptions(in)
	if err != nil {
		return nil, err
	}
	modified, err := modifyJobs(result)
	if err != nil {
		return nil, err
	}
	var jobs []transfer.Job
	for _, image := range result.All() {
		if image.Modify == nil && image.Pushed {
			jobs = append(jobs, transfer.Job{Source: image.Source, Target: image.Target, MultiArch: image.MultiArch})
		}
	}
	pin, err := frozen(in)
	if err != nil {
		return nil, err
	}
	for n := range jobs {
		if jobs[n].Source, err = pin(jobs[n].Source); err != nil {
			return nil, err
		}
	}
	for n := range modified {
		if modified[n].Source, err = pin(modified[n].Source); err != nil {
			return nil, err
		}
	}
	s, err := openStores(in, d.client, d.Undercloud, open)
	if err != nil {
		return nil, err
	}
	closes := d.closes
	d.closes = func() {
		s.close()
		closes()
	}
	s.place(jobs)
	s.placeModified(modified)
	changes.Folders = s.Folders
	return modify.NewPlan(ctx, d.seen.Client(d.client), jobs, modified, changes, o)
}

// frozen gives each source what the lock file says, if that is asked for.
func frozen(in *sdk.Input) (pin func(reference.Reference) (reference.Reference, error), err error) {
	if !in.Bool("frozen") {
		return func(r reference.Reference) (reference.Reference, error) { return r, nil }, nil
	}
	lock, err := readLock(in)
	if err != nil {
		return nil, err
	}
	return lock.Pin, nil
}

// carryOut copies what has to be copied before the parameters are true.
func carryOut(ctx context.Context, in *sdk.Input, out *sdk.Output, d *deployment, result *decide.Result) (*modify.Plan, error) {
	plan, err := planCopy(ctx, in, d, result, toWrite(out, targets(result)))
	if err != nil || len(plan.Images)+len(plan.Modify) == 0 {
		return plan, err
	}
	for _, note := range plan.Notes() {
		out.Log().Warn(note.String())
	}
	for _, line := range append(summary(plan.Plan), modifySummary(plan)...) {
		out.Text(line)
	}
	return plan, plan.Apply(ctx, bridge.Reporter(in, out))
}

// summary says what a plan costs.
func summary(plan *transfer.Plan) (lines []string) {
	states := map[transfer.State]int{}
	for _, i := range plan.Images {
		states[i.State]++
	}
	lines = append(lines, fmt.Sprintf("images to copy: %d, up to date: %d, that can't be read: %d",
		states[transfer.Planned], states[transfer.Current], states[transfer.Failed]))
	if plan.Down > 0 {
		lines = append(lines, "to fetch: "+size(plan.Down))
	}
	for _, host := range slices.Sorted(maps.Keys(plan.Up)) {
		if !filepath.IsAbs(host) {
			lines = append(lines, "to send to "+host+": "+size(plan.Up[host]))
		}
	}
	for _, space := range plan.Spaces() {
		lines = append(lines, fmt.Sprintf("to write to %s: %s, of %s that its disk has free", space.Folder, size(space.Need),
			size(space.Free)))
	}
	return lines
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
