package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/lockfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// since are the blobs that the other site has, by the lock file of what was carried there.
func since(ctx context.Context, in *sdk.Input, out *sdk.Output, s *stores, o transfer.Options) (map[string][]string, error) {
	if !in.IsSet("since") {
		return nil, nil
	}
	file, err := lockfile.Read(in.File("since"))
	if err != nil {
		return nil, err
	}
	var jobs []transfer.Job
	for name := range file.Images {
		image, err := reference.Parse(name)
		if err != nil {
			return nil, err
		}
		if image, err = file.Pin(image); err != nil {
			return nil, err
		}
		jobs = append(jobs, transfer.Job{Source: image, Target: image, MultiArch: true})
	}
	s.place(jobs)
	blobs, err := transfer.Blobs(ctx, s.Stores, jobs, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		out.Log().Warn("some images of the lock file can't be read, so that more is written than is new: " + err.Error())
	}
	return blobs, nil
}
