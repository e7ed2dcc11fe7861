package hotfix

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Apply stores the images: what the targets lack of the old ones, the new layer, and the manifest
// last. Its error says which images failed; the others are stored.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	p.copyBases(ctx, rep)
	var group errgroup.Group
	group.SetLimit(p.o.Images)
	for _, i := range p.Images {
		if i.State != Planned {
			continue
		}
		group.Go(func() error {
			if err := p.store(ctx, i, rep); err != nil {
				i.State, i.Err = Failed, err
				if ctx.Err() == nil {
					rep.Warn("%s failed: %v", i.Target, err)
				}
				return nil
			}
			i.State = Changed
			rep.Step("Stored %s: %s with %d packages", i.Target, i.Source, len(i.names()))
			return nil
		})
	}
	_ = group.Wait() // images keep their own errors
	if ctx.Err() != nil {
		return fmt.Errorf("changing images: %w", context.Cause(ctx))
	}
	return p.Err()
}

// copyBases has targets elsewhere get the layers of the old images, all in one plan, so that each is
// fetched and sent once. The old manifests come with them, under their digests.
func (p *Plan) copyBases(ctx context.Context, rep report.Reporter) {
	var jobs []transfer.Job
	var images []*Image
	for _, i := range p.Images {
		source, target := p.source(i), p.target(i)
		if i.State != Planned || source.Host == target.Host && source.Repository == target.Repository {
			continue
		}
		jobs = append(jobs, transfer.Job{
			Source: i.Source.WithDigest(i.from), Target: i.Target.WithDigest(i.from),
			SourceFolder: i.SourceFolder, TargetFolder: i.TargetFolder,
		})
		images = append(images, i)
	}
	if len(jobs) == 0 {
		return
	}
	plan, err := transfer.NewPlan(ctx, p.stores, jobs, transfer.Options{})
	failed := map[string]error{}
	if err == nil {
		_ = plan.Apply(ctx, rep) // its images keep their errors
		for _, copied := range plan.Images {
			failed[copied.TargetFolder+" "+copied.Target.String()] = copied.Err
		}
	}
	for n, i := range images {
		if one := errors.Join(err, failed[jobs[n].TargetFolder+" "+jobs[n].Target.String()]); one != nil {
			i.State, i.Err = Failed, one
		}
	}
}

func (p *Plan) store(ctx context.Context, i *Image, rep report.Reporter) error {
	if i.engine != nil {
		if err := p.runEngine(ctx, i, rep); err != nil {
			return err
		}
	}
	target := p.target(i)
	s := p.stores.At(target.Host)
	if err := p.shared.layer(ctx, s, target, i); err != nil {
		return err
	}
	if _, err := remote.Store(ctx, guarded{s, i}, target, i.image); err != nil {
		return err
	}
	// Registries can't compare and swap: another run may have moved the tag in the same moment. Then
	// its image is there, whole, and this run says so.
	now, found, err := s.Head(ctx, target)
	if err == nil && (!found || now.Digest != i.Digest) {
		err = moved(i, now, found)
	}
	return err
}

// guarded looks at the target once more before its manifest is stored.
type guarded struct {
	transfer.Store
	image *Image
}

// PutManifest stores the manifest if the tag has the digest that it had when the plan was made.
func (g guarded) PutManifest(ctx context.Context, to registry.Image, m *registry.Manifest) error {
	now, found, err := g.Head(ctx, to)
	if err != nil {
		return err
	}
	was := g.image.was
	if found != (was != "") && now.Digest != m.Digest || found && now.Digest != was && now.Digest != m.Digest {
		return moved(g.image, now, found)
	}
	return g.Store.PutManifest(ctx, to, m)
}

func moved(i *Image, now registry.Descriptor, found bool) error {
	if !found {
		return fault.New(fault.Conflict, "run it again", "%s was deleted meanwhile", i.Target)
	}
	return fault.New(fault.Conflict, "find out who changes it, and run it again", "%s was changed meanwhile: it is %s now",
		i.Target, now.Digest)
}

// Err are the images' failures as one error: partial where others succeeded.
func (p *Plan) Err() error {
	var failed []error
	for _, i := range p.Images {
		if i.Err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", i.Target, i.Err))
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case len(failed) == len(p.Images):
		return fault.Wrap(fault.KindOf(failed[0]), "", fmt.Errorf("no image was changed: %w", errors.Join(failed...)))
	}
	return fault.Wrap(fault.Partial, "", fmt.Errorf("%d of %d images failed: %w", len(failed), len(p.Images), errors.Join(failed...)))
}
