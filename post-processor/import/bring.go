package imports

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	trial "github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// bringing is the import into one cloud.
type bringing struct {
	*Config
	cloud     string
	acceptors map[string]*glance.Client
	rep       report.Reporter

	in     *cloud.Cloud
	images *glance.Client
}

// bring stages the file in the cloud, tests it there, and gives it its name. id is the image that is there afterwards,
// "" for none; current reports whether it is what was asked for.
func (b *bringing) bring(ctx context.Context, source upload.Source) (id string, current bool, err error) {
	if b.in, err = cloud.Connect(ctx, cloud.Other(b.cloud)); err != nil {
		return "", false, err
	}
	defer b.in.Close()
	sc, err := b.in.Image()
	if err != nil {
		return "", false, err
	}
	b.images = glance.New(sc)
	img, err := upload.Stage(ctx, b.images, source, upload.Options{
		Run: cloud.NewRun(), Unchecked: true,
		Image: upload.Image{MinDisk: b.MinDisk, MinRAM: b.MinRAM, Tags: b.Tags, Properties: b.Properties},
	}, b.rep)
	if err != nil {
		return "", false, err
	}
	if b.BootTest != nil {
		err := b.BootTest.Test(ctx, b.in, img.ID, b.rep)
		if _, failed := errors.AsType[*trial.Failure](err); failed {
			return img.ID, false, err // the image stays, hidden and marked
		}
		if err != nil {
			return "", false, b.discard(ctx, img, err)
		}
	}
	if err = b.share(ctx, img); err == nil && b.SkipPromotion {
		err = b.name(ctx, img)
	} else if err == nil {
		err = b.promote(ctx, img)
	}
	if err != nil && !fault.Is(err, fault.Partial) {
		return "", false, b.discard(ctx, img, err)
	}
	return img.ID, true, err
}

// share adds the members, while the image is hidden.
func (b *bringing) share(ctx context.Context, img *glance.Image) error {
	projects := b.membersIn(b.cloud)
	if len(projects) == 0 {
		return nil
	}
	b.rep.Step("Sharing the image with %d projects", len(projects))
	img, err := b.images.Update(ctx, img.ID, glance.Patch{}.Visibility(glance.Shared))
	if err != nil {
		return err
	}
	var grants []glance.Grant
	for _, project := range projects {
		g := glance.Grant{Project: project, Status: glance.Pending}
		if acceptor := b.acceptors[project]; acceptor != nil {
			g.Status, g.Answers = glance.Accepted, acceptor
		}
		grants = append(grants, g)
	}
	return b.images.Grant(ctx, img, grants, glance.Granting{})
}

// name makes the image visible under its name, in one request.
func (b *bringing) name(ctx context.Context, img *glance.Image) error {
	patch := glance.Patch{}.Name(b.Name).Hidden(false).Remove(cloud.DeadlineKey)
	if b.Visibility != "" {
		patch = patch.Visibility(b.Visibility)
	}
	_, err := b.images.Update(ctx, img.ID, patch)
	return err
}

// promote makes the image current under its name.
func (b *bringing) promote(ctx context.Context, img *glance.Image) error {
	site := promote.Site{
		Images: b.images, Project: b.in.Project().ID, Admin: b.in.IsAdmin(), Run: string(cloud.NewRun()), Acceptors: b.acceptors,
	}
	o := b.promotion()
	o.ImageID = img.ID
	plan, err := promote.NewPlan(ctx, site, o)
	if err == nil && plan.Options.Strategy == promote.Pointer {
		// Its name stays, and must not be that of an unfinished image, which a sweep removes.
		_, err = b.images.Update(ctx, img.ID, glance.Patch{}.Name(b.Name+" "+time.Now().UTC().Format("2006-01-02 15:04:05")))
		if err == nil {
			plan, err = promote.NewPlan(ctx, site, o)
		}
	}
	if err == nil {
		_, err = promote.Apply(ctx, site, plan, b.rep)
	}
	return err
}

// discard deletes an image that nothing came of, unless a promotion that couldn't be rolled back has it.
func (b *bringing) discard(ctx context.Context, img *glance.Image, why error) error {
	late, done := cloud.Grace(ctx)
	defer done()
	now, err := b.images.Image(late, img.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		return why
	case err == nil && (promote.Concerns(now) || now.Name == b.Name):
		return fmt.Errorf("%w; image %s stays, because it couldn't be taken back", why, img.ID)
	case err == nil:
		err = b.images.Delete(late, img.ID)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return errors.Join(why, fmt.Errorf("image %s is left: %w", img.ID, err))
	}
	return why
}
