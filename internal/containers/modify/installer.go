package modify

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Installer installs RPMs by the rpm that images have, in containers of buildah. It is safe for
// concurrent use.
type Installer struct {
	plan *Plan
	run  *run
	rpms *recipe
}

// NewInstaller makes one for the *.rpm in a folder. It starts nothing yet.
func NewInstaller(folder string, how transaction.Options, o Options) *Installer {
	p := &Plan{o: o.filled()}
	return &Installer{
		plan: p, run: &run{Plan: p, rep: report.Discard},
		rpms: &recipe{role: Role, tasks: rpmInstall, rpms: folder, flags: rpmOptions(how).options()},
	}
}

// Check fails if it can't work here.
func (n *Installer) Check() error {
	if (&programs{&n.plan.o}).has(Buildah) == "" {
		return fault.New(fault.NotFound, "install buildah", "rpm has to run in the image, and buildah isn't installed")
	}
	return nil
}

// Install makes the image with the packages. Its layers are those of base and new ones, which can be
// read until Close.
func (n *Installer) Install(ctx context.Context, source reference.Reference, base v1.Image, rep report.Reporter) (v1.Image, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, n.plan.o.Timeout,
		fault.New(fault.Unavailable, "", "it took longer than %s", n.plan.o.Timeout))
	defer cancel()
	clearLeft(n.plan.o.Scratch)
	s, err := n.plan.space()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(s.folder, "image-")
	if err != nil {
		return nil, err
	}
	digest, err := base.Digest()
	if err != nil {
		return nil, err
	}
	rpms := &recipe{role: n.rpms.role, tasks: n.rpms.tasks, flags: n.rpms.flags}
	if rpms.rpms, err = filepath.Abs(n.rpms.rpms); err != nil {
		return nil, err
	}
	i := &Image{Job: Job{Source: source}, SourceDigest: digest.String(), base: base, recipe: rpms}
	made, err := buildah{}.modify(ctx, &work{Image: i, run: n.run, rep: rep, folder: folder})
	if err == nil && made == nil {
		err = errors.New("rpm has changed nothing")
	}
	return made, err
}

// Close removes what was unpacked.
func (n *Installer) Close() error { return n.plan.Close() }
