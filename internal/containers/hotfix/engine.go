package hotfix

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// InputsLabel is a digest of the image and the packages that an engine has made the result from, as
// results of the same differ in their digests.
const InputsLabel = "imgctl_hotfix_inputs"

// Engine installs packages by running the image's own rpm.
type Engine interface {
	// Check fails if the engine can't work here.
	Check() error
	// Install makes the image with the packages; its first layers are those of base.
	Install(ctx context.Context, source reference.Reference, base v1.Image, rep report.Reporter) (v1.Image, error)
}

// byEngine is what an engine changes an image from, and why.
type byEngine struct {
	why    string
	base   v1.Image
	names  []string
	inputs string
}

// planEngine has the engine change the image, because of why.
func (p *Plan) planEngine(ctx context.Context, i *Image, base v1.Image, files []*rpmfile.File, why error) error {
	i.Install = nil
	i.engine = &byEngine{why: why.Error(), base: base}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %q %+v\n", i.from, p.o.Append, p.o.Options)
	for _, f := range files {
		i.engine.names = append(i.engine.names, f.String())
		fmt.Fprintf(sum, "%s %x\n", f, sha256.Sum256(f.Header.Blob()))
	}
	i.engine.inputs = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	if i.was != "" {
		target := p.target(i)
		there, err := remote.Load(ctx, p.stores.At(target.Host), target.With(i.was))
		if err != nil {
			return err
		}
		config, err := there.ConfigFile()
		if err != nil {
			return err
		}
		if config.Config.Labels[InputsLabel] == i.engine.inputs {
			i.State, i.Digest = Current, i.was
			return nil
		}
	}
	return p.o.Engine.Check()
}

// runEngine makes the image.
func (p *Plan) runEngine(ctx context.Context, i *Image, rep report.Reporter) error {
	made, err := p.o.Engine.Install(ctx, i.Source, i.engine.base, rep)
	if err != nil {
		return err
	}
	config, err := made.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	if config.Config.Labels == nil {
		config.Config.Labels = map[string]string{}
	}
	config.Config.Labels[InputsLabel] = i.engine.inputs
	if p.o.Append != "" {
		config.Config.Labels[Label] = p.o.Append
	}
	if i.image, err = mutate.ConfigFile(made, config); err != nil {
		return err
	}
	return i.measure()
}
