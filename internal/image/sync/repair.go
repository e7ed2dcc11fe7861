package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Repair makes one image current under each name that several of the project's images have, as a
// change.Plan: the newest stays, and the others are archived by renaming.
type Repair struct {
	Names []Duplicated

	site    Site
	applied bool
}

// Duplicated is a name that several images have.
type Duplicated struct {
	Name    string
	Keep    *glance.Image
	Archive []*glance.Image
	Outcome string
	Reason  string

	plan *promote.Plan
}

// NewRepair finds the duplicates among the project's public images: of one name, or of all for "".
func NewRepair(ctx context.Context, site Site, name string) (*Repair, error) {
	own, err := ownImages(ctx, site)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, img := range own.all {
		if img.Visibility == glance.Public && !img.Hidden && (name == "" || img.Name == name) {
			names[img.Name] = true
		}
	}
	if name != "" && !names[name] {
		return nil, fault.New(fault.NotFound, "", "project %s has no public image %q", site.Project, name)
	}
	r := &Repair{site: site}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		found := own.current(name)
		if len(found) < 2 || own.unsettled(name) {
			continue
		}
		plan, err := promote.NewPlan(ctx, site.promotion(), promote.Options{ImageID: found[0].ID, Name: name, Owner: site.Project})
		if err != nil {
			return nil, err
		}
		r.Names = append(r.Names, Duplicated{Name: name, Keep: found[0], Archive: found[1:], plan: plan})
	}
	return r, nil
}

// Done reports whether no name is there twice.
func (r *Repair) Done() bool { return len(r.Names) == 0 }

// Loss is none: archived images stay.
func (r *Repair) Loss() string { return "" }

// Notes are none.
func (r *Repair) Notes() []fault.Advice { return nil }

// Apply archives the duplicates of each name.
func (r *Repair) Apply(ctx context.Context, rep report.Reporter) error {
	r.applied = true
	var errs []error
	for n := range r.Names {
		d := &r.Names[n]
		if _, err := promote.Apply(ctx, r.site.promotion(), d.plan, rep); err != nil {
			d.Outcome, d.Reason = Failed, reason(err)
			errs = append(errs, fmt.Errorf("image %q: %w", d.Name, err))
			if ctx.Err() != nil {
				break
			}
			continue
		}
		d.Outcome = Done
	}
	if len(errs) > 0 && len(r.Names) > 1 {
		return fault.Wrap(fault.Partial, "", errors.Join(errs...))
	}
	return errors.Join(errs...)
}

// Rows are a name each.
func (r *Repair) Rows() []change.Row {
	var rows []change.Row
	for _, d := range r.Names {
		var archive []string
		for _, img := range d.Archive {
			archive = append(archive, img.ID)
		}
		rows = append(rows, change.Row{
			{Key: "image", Value: d.Name},
			{Key: "keep", Value: d.Keep.ID},
			{Key: "archive", Value: strings.Join(archive, " ")},
			{Key: "outcome", Value: d.Outcome},
			{Key: "reason", Value: d.Reason},
		})
	}
	return rows
}
