package modify

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// run is one Apply under way.
type run struct {
	*Plan
	rep   report.Reporter
	store store
}

// Apply copies what is missing, and changes what has to be changed. Its error says which images
// failed; the others are done.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) (err error) {
	if len(p.Modify) > 0 {
		clearLeft(p.o.Scratch)
	}
	copied := p.Plan.Apply(ctx, rep)
	if ctx.Err() != nil {
		return errors.Join(copied, p.Close())
	}
	p.uncopied()
	r := &run{Plan: p, rep: rep}
	defer func() { err = errors.Join(err, p.Close()) }()
	var group errgroup.Group
	group.SetLimit(p.o.AtOnce)
	for _, i := range p.Modify {
		if i.State != Planned {
			continue
		}
		if _, err := p.space(); err != nil {
			return errors.Join(err, group.Wait())
		}
		group.Go(func() error {
			r.image(ctx, i)
			return nil
		})
	}
	_ = group.Wait() // the errors are kept one by one
	if ctx.Err() != nil {
		return fmt.Errorf("modifying images: %w", context.Cause(ctx))
	}
	return p.errs(errors.Join(copied, p.finish(ctx)))
}

// image changes one image and tells how it went.
func (r *run) image(ctx context.Context, i *Image) {
	err := r.make(ctx, i)
	if err != nil {
		i.State, i.Err = Failed, err
		if ctx.Err() == nil {
			r.rep.Warn("%s failed: %v", i.Target, err)
		}
		return
	}
	i.State = Modified
	r.rep.Step("Modified %s by %s, as %s", i.Source, i.Executor, i.Target)
}

func (r *run) make(ctx context.Context, i *Image) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.Timeout,
		fault.New(fault.Unavailable, "", "it took longer than %s", r.o.Timeout))
	defer cancel()
	folder, err := os.MkdirTemp(r.scratch.folder, "image-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(folder)) }()
	// The copy is in the target's own repository, so layers needn't be sent again.
	if i.base, err = r.load(ctx, i.Copy.WithDigest(i.SourceDigest), i.TargetFolder); err != nil {
		return err
	}
	w := &work{Image: i, run: r, rep: r.rep, folder: folder}
	made, err := i.exec.modify(ctx, w)
	if err != nil {
		return err
	}
	if made, err = w.finish(made); err != nil {
		return err
	}
	target := r.stores.Image(i.Target, i.TargetFolder)
	i.Digest, err = remote.Store(ctx, r.stores.At(target.Host), target, made)
	return err
}

// finish ends writing to folders.
func (p *Plan) finish(ctx context.Context) error {
	done := map[string]bool{"": true}
	for _, i := range p.Modify {
		if i.State != Modified || done[i.TargetFolder] {
			continue
		}
		done[i.TargetFolder] = true
		if err := p.stores.Folders[i.TargetFolder].Finish(ctx, p.errs(nil) != nil); err != nil {
			return err
		}
	}
	return nil
}

// uncopied fails the changes of images that couldn't be copied.
func (p *Plan) uncopied() {
	failed := map[string]error{}
	for _, i := range p.Images {
		if i.Err != nil {
			failed[i.Target.String()] = i.Err
		}
	}
	for _, i := range p.Modify {
		if err := failed[i.Copy.String()]; i.State == Planned && err != nil {
			i.State, i.Err = Failed, prefixed("it couldn't be copied first", err)
		}
	}
}

// LeftOut is what Apply can't do: images that can't be looked up, copied or changed.
func (p *Plan) LeftOut() error {
	copied := p.Plan.LeftOut()
	p.uncopied()
	return p.errs(copied)
}

// errs are the failures of copies and changes as one error: partial where others succeeded.
func (p *Plan) errs(copied error) error {
	var failed []error
	for _, i := range p.Modify {
		if i.Err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", i.Target, i.Err))
		}
	}
	if len(failed) == 0 {
		return copied
	}
	well := len(p.Modify) > len(failed)
	for _, i := range p.Images {
		well = well || i.State != transfer.Failed
	}
	kind := fault.Partial
	if !well {
		kind = fault.KindOf(failed[0])
	}
	err := fmt.Errorf("%d of %d images weren't modified: %w", len(failed), len(p.Modify), errors.Join(failed...))
	return fault.Wrap(kind, "", errors.Join(copied, err))
}
