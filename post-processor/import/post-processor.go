package imports

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
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

// PostProcess imports the artifact's file into all clouds at once. It is read once for all of them, and kept.
func (p *PostProcessor) PostProcess(ctx context.Context, ui packersdk.Ui, source packersdk.Artifact) (packersdk.Artifact, bool, bool,
	error,
) {
	const keep, mustKeep = true, true
	a := &artifact{Artifact: source, name: p.config.Name, promoted: !p.config.SkipPromotion}
	err := p.config.importInto(ctx, ui, source, a)
	for _, r := range a.results {
		if err != nil {
			ui.Say(a.line(r))
		}
	}
	return a, keep, mustKeep, report.ForPacker(err)
}

// importInto imports the file, and notes in the artifact what is so in each cloud.
func (c *Config) importInto(ctx context.Context, ui packersdk.Ui, from packersdk.Artifact, a *artifact) error {
	file, err := c.file(from)
	if err != nil {
		return err
	}
	source := upload.File(file)
	source.Format = c.DiskFormat
	if source.Sums, err = c.sums(); err != nil {
		return err
	}
	acceptors, done, err := c.acceptors(ctx)
	if err != nil {
		return err
	}
	defer done()
	shared := upload.Share(source, len(c.Clouds))
	errs := make([]error, len(c.Clouds))
	a.results = make([]result, len(c.Clouds))
	var group sync.WaitGroup
	for n, name := range c.Clouds {
		group.Go(func() {
			defer shared.Leave(n)
			r := &a.results[n]
			r.cloud = name
			b := bringing{Config: c, cloud: name, acceptors: acceptors, rep: named{name, report.Packer(ui)}}
			r.image, r.current, r.err = b.bring(ctx, shared.Sources[n])
			if r.err != nil {
				errs[n] = fmt.Errorf("cloud %s: %w", name, r.err)
			}
		})
	}
	group.Wait()
	err = errors.Join(errs...)
	if err != nil && a.Id() != "" {
		err = fault.Wrap(fault.Partial, "", err)
	}
	return err
}

// acceptors are clients of the projects that accept the image, by project. A project of another cloud is never a
// member here.
func (c *Config) acceptors(ctx context.Context) (all map[string]*glance.Client, done func(), err error) {
	var open []*cloud.Cloud
	done = func() {
		for _, o := range open {
			o.Close()
		}
	}
	all = map[string]*glance.Client{}
	for _, name := range c.AcceptWith {
		member, err := cloud.Connect(ctx, cloud.Other(name))
		if err != nil {
			done()
			return nil, nil, fault.In("accept_with", err)
		}
		open = append(open, member)
		sc, err := member.Image()
		if err != nil {
			done()
			return nil, nil, fault.In("accept_with", err)
		}
		all[member.Project().ID] = glance.New(sc)
	}
	return all, done, nil
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
