package modify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/install"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Plan is what has to be copied, and what of it has to be changed then.
type Plan struct {
	*transfer.Plan
	Modify []*Image

	o       Options
	stores  transfer.Stores
	notes   []string
	mu      sync.Mutex
	scratch *scratch
	cache   *rootfs.Cache
}

// space is the plan's own folder, which it gets when it needs one first.
func (p *Plan) space() (*scratch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.scratch != nil {
		return p.scratch, nil
	}
	s, err := newScratch(p.o.Scratch)
	if err != nil {
		return nil, err
	}
	p.scratch, p.cache = s, rootfs.NewCache(s.folder, install.Keep)
	return s, nil
}

// Close removes what the plan has fetched and built. A plan that was applied has done so.
func (p *Plan) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.scratch == nil {
		return nil
	}
	s := p.scratch
	p.scratch, p.cache = nil, nil
	return s.close()
}

// lookups is how many images are looked up at a time.
const lookups = 16

// Check refuses roles and variables that can't be carried out. It sends no requests.
func Check(jobs []Job, o Options) (notes []string, err error) {
	_, notes, err = readAll(jobs, o.filled())
	return notes, err
}

// Expect says of each job how it would be carried out, as far as that is known without asking a
// registry.
func Expect(ctx context.Context, jobs []Job, o Options) (lines []string, err error) {
	p := &Plan{o: o.filled()}
	recipes, _, err := readAll(jobs, p.o)
	if err == nil {
		err = p.take(jobs, recipes)
	}
	if err != nil {
		return nil, err
	}
	for _, i := range p.Modify {
		if err := p.choose(ctx, i, &v1.ConfigFile{}); err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("%s would become %s by %s: %s", i.Source, i.Target, i.Executor, i.Why))
	}
	return lines, nil
}

// readAll reads the jobs' changes; jobs that ask for the same share one.
func readAll(jobs []Job, o Options) (byKey map[string]*recipe, notes []string, err error) {
	byKey = map[string]*recipe{}
	var errs []error
	for _, j := range jobs {
		key := j.key()
		if byKey[key] != nil {
			continue
		}
		c, err := read(j, &o)
		if err != nil {
			errs = append(errs, prefixed("entry at "+j.At, err))
			byKey[key] = &recipe{}
			continue
		}
		byKey[key] = c
		for _, note := range c.notes {
			notes = append(notes, "entry at "+j.At+": "+note)
		}
	}
	if len(errs) > 0 {
		return nil, nil, fault.Wrap(fault.KindOf(errs[0]), "", errors.Join(errs...))
	}
	return byKey, notes, nil
}

// NewPlan looks up what sources and targets have. copies are the images that are only copied. A role
// or variables that can't be carried out are an error; an image that can't be looked up is in the
// plan as failed. The plan has to be applied or closed.
func NewPlan(
	ctx context.Context, c transfer.Store, copies []transfer.Job, jobs []Job, o Options, limits transfer.Options,
) (*Plan, error) {
	p := &Plan{o: o.filled(), stores: transfer.Stores{Registries: c, Folders: o.Folders}}
	recipes, notes, err := readAll(jobs, p.o)
	if err != nil {
		return nil, err
	}
	p.notes = notes
	if err := p.take(jobs, recipes); err != nil {
		return nil, err
	}
	for _, c := range recipes {
		c.unresolved = c.resolve(ctx, &programs{&p.o})
	}
	var group errgroup.Group
	group.SetLimit(lookups)
	for _, i := range p.Modify {
		group.Go(func() error {
			if err := p.resolve(ctx, i); err != nil {
				i.State, i.Err = Failed, err
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are kept one by one
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), p.Close())
	}
	for _, i := range p.Modify {
		if i.State == Planned {
			copies = append(copies, transfer.Job{
				Source: i.Source, Target: i.Copy, SourceFolder: i.SourceFolder, TargetFolder: i.TargetFolder,
			})
		}
	}
	if p.Plan, err = transfer.NewPlan(ctx, p.stores, copies, limits); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// take makes images of the jobs; what is there twice is made once.
func (p *Plan) take(jobs []Job, recipes map[string]*recipe) error {
	by := map[string]*Image{}
	for _, j := range jobs {
		i := &Image{Job: j, State: Planned, recipe: recipes[j.key()]}
		target := j.Target.String()
		if other := by[target]; other != nil {
			if other.Source != j.Source || other.recipe != i.recipe {
				return fault.New(fault.Usage, fault.Advise("give one of the entries another %s", keyAppendTag),
					"%s of the entry at %s and %s of the entry at %s would both become %s", other.Source, other.At, j.Source, j.At, target)
			}
			continue
		}
		by[target] = i
		p.Modify = append(p.Modify, i)
	}
	return nil
}

// resolve finds what the image is made from, how, and whether it is there already.
func (p *Plan) resolve(ctx context.Context, i *Image) (err error) {
	if i.recipe.unresolved != nil {
		return i.recipe.unresolved
	}
	if i.base, err = p.load(ctx, i.Source, i.SourceFolder); err != nil {
		return err
	}
	digest, err := i.base.Digest()
	if err != nil {
		return fmt.Errorf("image %s: %w", i.Source, err)
	}
	i.SourceDigest = digest.String()
	config, err := i.base.ConfigFile()
	if err != nil {
		return fmt.Errorf("image %s: %w", i.Source, err)
	}
	if i.inputs, err = i.recipe.fingerprint(i.SourceDigest, i.AppendTag); err != nil {
		return err
	}
	there, inputs, err := p.there(ctx, i)
	switch {
	case err != nil:
		return err
	case there == "":
		return p.choose(ctx, i, config)
	case inputs == i.inputs:
		i.State, i.Digest, i.Why = Current, there, "it is there, made from the same image by the same change"
		return nil
	case inputs == "":
		i.State, i.Digest, i.Why = Current, there, "there is such a tag, which something else has made"
		return nil
	}
	if err := p.choose(ctx, i, config); err != nil {
		return err
	}
	i.Why += "; it is made anew, because the image or the change is another one now"
	return nil
}

// load reads an image of a registry or folder.
func (p *Plan) load(ctx context.Context, r reference.Reference, folder string) (v1.Image, error) {
	i := p.stores.Image(r, folder)
	return remote.Load(ctx, p.stores.At(i.Host), i)
}

// there is the digest of what the target's tag names now, "" if there is nothing, and what it was made of.
func (p *Plan) there(ctx context.Context, i *Image) (digest, inputs string, err error) {
	if i.TargetFolder != "" { // a folder may have half of an image
		if _, found, err := p.stores.At(i.TargetFolder).Head(ctx, p.stores.Image(i.Target, i.TargetFolder)); err != nil || !found {
			return "", "", err
		}
	}
	image, err := p.load(ctx, i.Target, i.TargetFolder)
	if fault.Is(err, fault.NotFound) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return "", "", fmt.Errorf("image %s: %w", i.Target, err)
	}
	hash, err := image.Digest()
	return hash.String(), config.Config.Labels[InputsLabel], err
}

// Done reports whether all targets are as they should be.
func (p *Plan) Done() bool {
	return p.Plan.Done() && !slices.ContainsFunc(p.Modify, func(i *Image) bool { return i.State != Current })
}

// Made is the digest of the changed image that has the name, "" if there is none yet.
func (p *Plan) Made(target reference.Reference) string {
	for _, i := range p.Modify {
		if i.Target == target && (i.State == Current || i.State == Modified) {
			return i.Digest
		}
	}
	return ""
}

// Notes are variables that have no effect.
func (p *Plan) Notes() (all []fault.Advice) {
	for _, n := range p.notes {
		all = append(all, fault.Advise("%s", n))
	}
	return all
}

// Rows are the copies, and then the changes.
func (p *Plan) Rows() []change.Row {
	rows := p.Plan.Rows()
	for n := range rows {
		rows[n] = append(rows[n], change.Cell{Key: "by", Value: ""}, change.Cell{Key: "why", Value: ""})
	}
	for _, i := range p.Modify {
		problem := ""
		if i.Err != nil {
			problem = i.Err.Error()
		}
		rows = append(rows, change.Row{
			{Key: "source", Value: i.Source.String()},
			{Key: "target", Value: i.Target.String()},
			{Key: "state", Value: string(i.State)},
			{Key: "bytes", Value: nil},
			{Key: "missing", Value: nil},
			{Key: "digest", Value: i.Digest},
			{Key: "attached", Value: nil},
			{Key: "problem", Value: problem},
			{Key: "by", Value: i.Executor},
			{Key: "why", Value: i.Why},
		})
	}
	return rows
}
