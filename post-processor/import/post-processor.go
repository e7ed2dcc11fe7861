package imports

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	trial "github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// BuilderID identifies the artifacts of this post-processor.
const BuilderID = "imgctl.openstack-import"

// PostProcessor brings a file into clouds.
type PostProcessor struct{ config Config }

// ConfigSpec describes the block's options to Packer.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Configure reads and checks the options. It makes no network request.
func (p *PostProcessor) Configure(raws ...any) error { return p.config.decode(raws...) }

// PostProcess imports the artifact's file into all clouds at once. The file is kept.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, source packersdk.Artifact) (packersdk.Artifact, bool, bool,
	error,
) {
	const keep, mustKeep = true, true
	file, err := p.config.file(source)
	if err != nil {
		return source, keep, mustKeep, report.ForPacker(err)
	}
	a := &artifact{Artifact: source, name: p.config.Name, images: make([]string, len(p.config.Clouds)), clouds: p.config.Clouds}
	errs := make([]error, len(p.config.Clouds))
	var group sync.WaitGroup
	for n, name := range p.config.Clouds {
		group.Go(func() {
			a.images[n], errs[n] = p.config.bring(ctx, name, file, named{name, report.Packer(ui)})
			if errs[n] != nil {
				errs[n] = fmt.Errorf("cloud %s: %w", name, errs[n])
			}
		})
	}
	group.Wait()
	err = errors.Join(errs...)
	if err == nil {
		return a, keep, mustKeep, nil
	}
	done := 0
	for n, id := range a.images {
		if id != "" {
			done++
			ui.Say(fmt.Sprintf("cloud %s: image %s is current under %q", p.config.Clouds[n], id, p.config.Name))
		}
	}
	if done > 0 {
		err = fault.Wrap(fault.Partial, "", err)
	}
	return a, keep, mustKeep, report.ForPacker(err)
}

// bring stages the file in one cloud, tests it there, and makes it current.
func (c *Config) bring(ctx context.Context, name, file string, rep report.Reporter) (string, error) {
	in, err := cloud.Connect(ctx, cloud.Other(name))
	if err != nil {
		return "", err
	}
	defer in.Close()
	sc, err := in.Image()
	if err != nil {
		return "", err
	}
	images := glance.New(sc)
	acceptors, err := c.acceptors(ctx)
	if err != nil {
		return "", err
	}
	source := upload.File(file)
	source.Format = c.DiskFormat
	if source.Sums, err = c.sums(); err != nil {
		return "", err
	}
	img, err := upload.Stage(ctx, images, source, upload.Options{
		Run: cloud.NewRun(), Unchecked: true,
		Image: upload.Image{MinDisk: c.MinDisk, MinRAM: c.MinRAM, Tags: c.Tags, Properties: c.Properties},
	}, rep)
	if err != nil {
		return "", err
	}
	if c.BootTest != nil {
		err := c.BootTest.Test(ctx, in, img.ID, rep)
		if _, failed := errors.AsType[*trial.Failure](err); failed {
			return "", err // the image stays, hidden and marked
		}
		if err != nil {
			return "", discard(ctx, images, img, err)
		}
	}
	site := promote.Site{
		Images: images, Project: in.Project().ID, Admin: in.IsAdmin(), Run: string(cloud.NewRun()), Acceptors: acceptors,
	}
	o := c.promotion()
	o.ImageID = img.ID
	plan, err := promote.NewPlan(ctx, site, o)
	if err == nil && plan.Options.Strategy == promote.Pointer {
		// Its name stays, and must not be that of an unfinished image, which a sweep removes.
		_, err = images.Update(ctx, img.ID, glance.Patch{}.Name(c.Name+" "+time.Now().UTC().Format("2006-01-02 15:04:05")).
			Remove(cloud.DeadlineKey))
		if err == nil {
			plan, err = promote.NewPlan(ctx, site, o)
		}
	}
	if err == nil {
		_, err = promote.Apply(ctx, site, plan, rep)
	}
	if err != nil && !fault.Is(err, fault.Partial) {
		return "", discard(ctx, images, img, err)
	}
	return img.ID, err
}

// acceptors are clients of the projects that accept the image, by project. A project of another cloud is never a
// member here.
func (c *Config) acceptors(ctx context.Context) (map[string]*glance.Client, error) {
	all := map[string]*glance.Client{}
	for _, name := range c.AcceptWith {
		member, err := cloud.Connect(ctx, cloud.Other(name))
		if err != nil {
			return nil, fault.In("accept_with", err)
		}
		sc, err := member.Image()
		if err != nil {
			return nil, fault.In("accept_with", err)
		}
		all[member.Project().ID] = glance.New(sc)
	}
	return all, nil
}

// discard deletes an image that doesn't become current.
func discard(ctx context.Context, images *glance.Client, img *glance.Image, why error) error {
	if err := images.Delete(context.WithoutCancel(ctx), img.ID); err != nil && !fault.Is(err, fault.NotFound) {
		return errors.Join(why, fmt.Errorf("image %s is left: %w", img.ID, err))
	}
	return why
}

// named reports with the cloud's name in front.
type named struct {
	cloud string
	report.Reporter
}

func (n named) Step(format string, args ...any) {
	n.Reporter.Step("%s: "+format, append([]any{n.cloud}, args...)...)
}

func (n named) Warn(format string, args ...any) {
	n.Reporter.Warn("%s: "+format, append([]any{n.cloud}, args...)...)
}

// artifact is the file's artifact, with the image in each cloud.
type artifact struct {
	packersdk.Artifact
	name           string
	clouds, images []string
}

// BuilderId identifies this post-processor.
func (*artifact) BuilderId() string { return BuilderID }

// Id is CLOUD:IMAGE ID for each cloud, separated by commas.
func (a *artifact) Id() string {
	var all []string
	for n, id := range a.images {
		if id != "" {
			all = append(all, a.clouds[n]+":"+id)
		}
	}
	return strings.Join(all, ",")
}

// String says for each cloud which image is current.
func (a *artifact) String() string {
	return fmt.Sprintf("%q is current in: %s", a.name, strings.ReplaceAll(a.Id(), ",", ", "))
}

// State returns image_name and images (ids by cloud), and for other keys the state of the file's artifact.
func (a *artifact) State(name string) any {
	switch name {
	case "image_name":
		return a.name
	case "images":
		ids := map[string]string{}
		for n, id := range a.images {
			if id != "" {
				ids[a.clouds[n]] = id
			}
		}
		return ids
	}
	return a.Artifact.State(name)
}
