// Package hotfix adds RPM packages to container images in registries: no engine, no root, nothing
// that runs in the image. Of an image, the layers are fetched that have its package database and what
// else the packages touch; what is sent is one layer.
//
// An image is built from the digest that its tag had when the plan was made. Its new tag is moved only
// if it still has the digest that it had then; a run that finds another one fails and leaves it.
package hotfix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/install"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Label is the one by which TripleO marks images that were changed; its value is what was added to
// the tag.
const Label = "modified_append_tag"

// Job is one image to change, and its name afterwards. The folders are those of layouts, "" for
// registries.
type Job struct {
	Source, Target             reference.Reference
	SourceFolder, TargetFolder string
}

// Options are how images are changed.
type Options struct {
	transaction.Options
	Append string // what the target's tag has more than the source's, for the label
	Images int    // images at once; 0 is 4
	Engine Engine // for images whose package database can't be written; without it, they fail
}

// State is how far an image is.
type State string

// The states.
const (
	Current State = "up to date"
	Planned State = "to change"
	Changed State = "changed"
	Failed  State = "failed"
)

// Image is one job in a plan.
type Image struct {
	Job
	State   State
	Err     error
	Digest  string        // of the result
	Bytes   int64         // of the new layer
	Install *install.Plan // nil if the image couldn't be read

	engine *byEngine // nil where none is needed

	was   string // the target's digest when the plan was made, "" if there was none
	image v1.Image
	from  string // the source's digest
}

// Plan is what has to be changed. Making one only reads; its layers are files until Close.
type Plan struct {
	Images []*Image

	stores transfer.Stores
	dir    string
	cache  *rootfs.Cache
	o      Options
	shared shared
}

// NewPlan works out what the packages change in each image, and builds the new layers. An image that
// can't be changed is in the plan as failed.
func NewPlan(ctx context.Context, s transfer.Stores, jobs []Job, files []*rpmfile.File, o Options) (*Plan, error) {
	if o.Images == 0 {
		o.Images = 4
	}
	targets := map[string]reference.Reference{}
	for _, j := range jobs {
		key := j.TargetFolder + " " + j.Target.String()
		if other, twice := targets[key]; twice {
			return nil, fault.New(fault.Usage, "", "%s and %s would both become %s", other, j.Source, j.Target)
		}
		targets[key] = j.Source
	}
	dir, err := os.MkdirTemp("", "hotfix-")
	if err != nil {
		return nil, fmt.Errorf("folder for layers: %w", err)
	}
	p := &Plan{stores: s, dir: dir, cache: rootfs.NewCache(dir, install.Keep), o: o}
	var group errgroup.Group
	group.SetLimit(o.Images)
	for n, j := range jobs {
		i := &Image{Job: j, State: Planned}
		p.Images = append(p.Images, i)
		group.Go(func() error {
			if err := p.plan(ctx, i, files, filepath.Join(dir, "image-"+strconv.Itoa(n))); err != nil {
				i.State, i.Err = Failed, err
			}
			return nil
		})
	}
	_ = group.Wait() // images keep their own errors
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), p.Close())
	}
	return p, nil
}

// Close removes the layers.
func (p *Plan) Close() error { return os.RemoveAll(p.dir) }

// Fetched is how many bytes of layers were read.
func (p *Plan) Fetched() int64 { return p.cache.Read() }

// at is where an image is: its host is the folder's name for a layout.
func (p *Plan) source(i *Image) registry.Image { return p.stores.Image(i.Source, i.SourceFolder) }
func (p *Plan) target(i *Image) registry.Image { return p.stores.Image(i.Target, i.TargetFolder) }

func (p *Plan) plan(ctx context.Context, i *Image, files []*rpmfile.File, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	source, target := p.source(i), p.target(i)
	image, err := remote.Load(ctx, p.stores.At(source.Host), source)
	if err != nil {
		return err
	}
	from, err := image.Digest()
	if err != nil {
		return err
	}
	i.from = from.String()
	now, found, err := p.stores.At(target.Host).Head(ctx, target)
	if err != nil {
		return err
	}
	if found {
		i.was = now.Digest
	}
	if i.Install, err = install.NewPlan(ctx, p.cache, image, files, dir, p.o.Options); err != nil {
		if errors.Is(err, install.ErrOtherDatabase) && !fault.Is(err, fault.NotFound) && p.o.Engine != nil {
			return p.planEngine(ctx, i, image, files, err)
		}
		return err
	}
	if err := i.Install.Err(); err != nil {
		return err
	}
	if err := i.build(ctx, p.o.Append); err != nil {
		return err
	}
	if i.Digest == i.was {
		i.State = Current
	}
	return nil
}

func (i *Image) build(ctx context.Context, appended string) error {
	labels := map[string]string{}
	if appended != "" {
		labels[Label] = appended
	}
	var err error
	if i.image, err = i.Install.Image(ctx, "rpm -U "+strings.Join(i.Install.Names(), " "), labels); err != nil {
		return err
	}
	return i.measure()
}

// measure sets the result's digest, and the new layer's size.
func (i *Image) measure() error {
	layers, err := i.image.Layers()
	if err != nil {
		return err
	}
	if i.Bytes, err = layers[len(layers)-1].Size(); err != nil {
		return err
	}
	digest, err := i.image.Digest()
	i.Digest = digest.String()
	return err
}
