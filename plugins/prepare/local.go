package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/hotfix"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/localstore"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// ownStorage is the name of this machine's storage among the stores.
const ownStorage = "this machine's storage"

// named is the image with the tag that it has without one.
func named(r reference.Reference) reference.Reference {
	if r.Digest == "" {
		r.Tag = r.Identifier()
	}
	return r
}

// takeLocal takes the jobs' images out of this machine's own storage, into a folder that done removes.
func takeLocal(ctx context.Context, in *sdk.Input, s *stores, jobs []transfer.Job) (done func(), err error) {
	var images []reference.Reference
	for _, j := range jobs {
		if j.SourceFolder == ownStorage {
			images = append(images, j.Source)
		}
	}
	_, done, err = exportLocal(ctx, in, &s.Stores, images)
	return done, err
}

// exportLocal has the stores find the images in a folder, that of a layout, which done removes.
func exportLocal(
	ctx context.Context, in *sdk.Input, s *transfer.Stores, images []reference.Reference,
) (folder string, done func(), err error) {
	if len(images) == 0 {
		return "", func() {}, nil
	}
	parent := in.Environment()["TMPDIR"]
	if parent == "" {
		parent = "/var/tmp" // /tmp may be in memory
	}
	dir, err := os.MkdirTemp(parent, "imgctl-images-")
	if err != nil {
		return "", nil, fault.Wrap(fault.Usage, "", err)
	}
	remove := func() { _ = os.RemoveAll(dir) }
	folder = filepath.Join(dir, "layout")
	if err := localstore.Export(ctx, images, folder, engineOptions(in).Env); err != nil {
		remove()
		return "", nil, err
	}
	l, err := layout.Open(folder)
	if err != nil {
		remove()
		return "", nil, err
	}
	if s.Folders == nil {
		s.Folders = map[string]transfer.Folder{}
	}
	s.Folders[ownStorage] = l
	return folder, func() {
		l.Close()
		remove()
	}, nil
}

// hotfixLocal has the jobs' images in this machine's own storage found; stored puts what was made of them
// there, where that is asked for.
func hotfixLocal(
	ctx context.Context, in *sdk.Input, s *transfer.Stores, jobs []hotfix.Job,
) (stored func(*hotfix.Plan) error, done func(), err error) {
	var images []reference.Reference
	for _, j := range jobs {
		if j.SourceFolder == ownStorage {
			images = append(images, j.Source)
		}
	}
	folder, done, err := exportLocal(ctx, in, s, images)
	return func(p *hotfix.Plan) error {
		var made []reference.Reference
		for _, i := range p.Images {
			if i.TargetFolder == ownStorage && i.State == hotfix.Changed {
				made = append(made, i.Target)
			}
		}
		if len(made) == 0 {
			return nil
		}
		if err := s.Folders[ownStorage].Finish(ctx, true); err != nil {
			return err
		}
		return localstore.Import(ctx, made, folder, engineOptions(in).Env)
	}, done, err
}
