package modify

import (
	"context"
	"fmt"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/dockerfile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// The executors' names.
const (
	Native  = "native"
	Buildah = "buildah"
	Command = "command"
)

// executor carries out changes in one way.
type executor interface {
	// modify makes the changed image. Its layers can be read until the run's folder is removed.
	modify(ctx context.Context, w *work) (v1.Image, error)
}

// work is one image while it is changed.
type work struct {
	*Image
	run    *run
	rep    report.Reporter
	folder string // its own
}

// choose finds the executor that the change of this image needs, and says why.
func (p *Plan) choose(ctx context.Context, i *Image, config *v1.ConfigFile) error {
	c := i.recipe
	if c.command != nil {
		i.Executor, i.Why, i.exec = Command, keyRole+" "+c.role+" is "+c.command[0], ownCommand{}
		return nil
	}
	var why string
	var err error
	i.exec = native{}
	switch {
	case p.o.Executor == Buildah:
		why = "as asked for"
	case c.tasks == rpmInstall && i.base == nil:
		i.Executor = Native + " or " + Buildah
		i.Why = "it depends on the image's package database, and on whether scripts have to run"
		return nil
	case c.tasks == rpmInstall:
		i.exec, why, err = p.installs(ctx, i)
	default:
		why, err = needsContainer(c, config)
	}
	switch {
	case err != nil:
		return err
	case why == "":
		i.Executor, i.Why = Native, c.tasks+" needs no container"
		return nil
	case p.o.Executor == Native:
		return fault.New(fault.Usage, "", "%s can't be done without a container: %s", c.tasks, why)
	case (&programs{&p.o}).has(Buildah) == "":
		return fault.New(fault.NotFound, "install buildah", "%s needs buildah, which isn't installed: %s", c.tasks, why)
	}
	i.Executor, i.Why, i.exec = Buildah, why, buildah{}
	return nil
}

// needsContainer says why the change has to run something in the image, "" if it doesn't.
func needsContainer(c *recipe, config *v1.ConfigFile) (string, error) {
	switch {
	case c.tasks != modifyImage:
		return c.tasks + " runs in the image", nil
	case len(config.Config.OnBuild) > 0:
		return "the image has ONBUILD instructions", nil
	}
	if why := c.file.NeedsRun(); why != "" {
		return "Dockerfile: " + why, nil
	}
	own := *config.Config.DeepCopy()
	copies, err := c.file.Apply(&own)
	if err != nil {
		return "", err
	}
	return archives(c.folder, copies)
}

// finish gives an image the labels of a changed one, and warns if it now runs as root.
func (w *work) finish(image v1.Image) (v1.Image, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("configuration of the result: %w", err)
	}
	base, err := w.base.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", w.Source, err)
	}
	config = config.DeepCopy()
	if config.Config.Labels == nil {
		config.Config.Labels = map[string]string{}
	}
	maps.Copy(config.Config.Labels, map[string]string{
		TagLabel: w.AppendTag, InputsLabel: w.inputs, baseName: w.Source.Name(), baseDigest: w.SourceDigest,
	})
	if dockerfile.IsRoot(config.Config.User) && !dockerfile.IsRoot(base.Config.User) {
		w.warnRoot(base.Config.User)
	}
	return mutate.ConfigFile(image, config)
}

func (w *work) warnRoot(before string) {
	at := ""
	if w.recipe.file != nil {
		if _, line := w.recipe.file.User(); line > 0 {
			at = fmt.Sprintf(" (line %d of %s/Dockerfile): end it with USER %s", line, w.recipe.folder, before)
		}
	}
	w.rep.Warn("%s runs as root, but %s runs as %s%s", w.Target, w.Source, before, at)
}
