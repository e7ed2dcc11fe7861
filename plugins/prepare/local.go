package main

import (
	"context"
	"os"
	"path/filepath"

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
	if len(images) == 0 {
		return func() {}, nil
	}
	parent := in.Environment()["TMPDIR"]
	if parent == "" {
		parent = "/var/tmp" // /tmp may be in memory
	}
	dir, err := os.MkdirTemp(parent, "imgctl-images-")
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	remove := func() { _ = os.RemoveAll(dir) }
	var environment []string
	for name, value := range in.Environment() {
		environment = append(environment, name+"="+value)
	}
	folder := filepath.Join(dir, "layout")
	if err := localstore.Export(ctx, images, folder, environment); err != nil {
		remove()
		return nil, err
	}
	l, err := layout.Open(folder)
	if err != nil {
		remove()
		return nil, err
	}
	s.Folders[ownStorage] = l
	return func() {
		l.Close()
		remove()
	}, nil
}
