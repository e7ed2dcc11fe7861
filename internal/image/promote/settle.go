package promote

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// archive renames the predecessors. It can be repeated by any run that has the journal.
func archive(ctx context.Context, site Site, current string, j *journal, rep report.Reporter) error {
	for _, old := range j.Predecessors {
		img, err := site.Images.Image(ctx, old.ID)
		if fault.Is(err, fault.NotFound) {
			continue // deleted by somebody: nothing is left to archive
		}
		if err != nil {
			return err
		}
		if archivedBy(img, current) {
			continue
		}
		patch := glance.Patch{}.Set(ArchivedFromKey, j.Name).Set(ArchivedAtKey, j.At).Set(ArchivedByKey, current)
		if j.Strategy == Rename {
			rep.Step("Archiving image %s as %q", img, old.Archive)
			patch = patch.Name(old.Archive)
		} else if img.Properties[CurrentKey] == j.Name {
			rep.Step("Retiring image %s", img)
			patch = patch.Remove(CurrentKey)
		}
		if j.OldAction == Hide {
			patch = patch.Hidden(true)
		}
		if _, err := site.Images.Update(ctx, old.ID, patch); err != nil {
			return err
		}
	}
	return nil
}

func archivedBy(img *glance.Image, current string) bool {
	return img.Properties[ArchivedByKey] == current
}

// settle does what follows once the new image is live and its predecessors are archived. From
// here on nothing is taken back: access that was moved can't be moved back without the members'
// consent. It can be repeated by any run that has the journal.
func settle(ctx context.Context, site Site, current string, j *journal, rep report.Reporter) error {
	for _, old := range j.Predecessors {
		if j.Members == Transfer {
			if err := withdraw(ctx, site, old.ID, current); err != nil {
				return err
			}
		}
		if j.OldAction == Deactivate {
			if err := deactivate(ctx, site, old.ID, rep); err != nil {
				return err
			}
		}
	}
	if j.Retain != nil {
		if err := prune(ctx, site, current, j, rep); err != nil {
			return err
		}
	}
	_, err := site.Images.Update(ctx, current, glance.Patch{}.Remove(journalKey).Remove(promotingKey))
	return err
}

// withdraw removes those members from an archived image that have the current one.
func withdraw(ctx context.Context, site Site, archived, current string) error {
	img, err := site.Images.Image(ctx, archived)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	members, err := membersNow(ctx, site, img)
	if err != nil || len(members) == 0 {
		return err
	}
	now, err := site.Images.Image(ctx, current)
	if err != nil {
		return err
	}
	have, err := membersNow(ctx, site, now)
	if err != nil {
		return err
	}
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for project := range members {
		if have[project] != "" {
			group.Go(func() error { return site.Images.RemoveMember(work, archived, project) })
		}
	}
	return group.Wait()
}

// deactivate makes the archived image unbootable; where only admins may do that, it is hidden.
func deactivate(ctx context.Context, site Site, id string, rep report.Reporter) error {
	err := site.Images.Deactivate(ctx, id)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case fault.Is(err, fault.Forbidden):
		rep.Warn("this cloud lets only admins deactivate images; image %s is hidden instead", id)
		_, err = site.Images.Update(ctx, id, glance.Patch{}.Hidden(true))
	}
	return err
}

// prune deletes the archived images that are too many. One that can't be deleted, because it is
// protected or in use, is said and left for the next time.
func prune(ctx context.Context, site Site, current string, j *journal, rep report.Reporter) error {
	img, err := site.Images.Image(ctx, current)
	if err != nil {
		return err
	}
	archived, err := archivedImages(ctx, site, img.Owner, j.Name)
	if err != nil {
		return err
	}
	for _, old := range beyond(*j.Retain, archived, current) {
		rep.Step("Deleting archived image %s", old)
		if old.Protected {
			rep.Warn("archived image %s is protected and stays", old)
			continue
		}
		err := site.Images.Delete(ctx, old.ID)
		if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Forbidden) {
			rep.Warn("archived image %s stays: %v", old, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("keep: %w", err)
		}
	}
	return nil
}
