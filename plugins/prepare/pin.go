package main

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// pin finds the digests of all sources and has the parameters name them.
func (d *deployment) pin(ctx context.Context, result *decide.Result) error {
	var mu sync.Mutex
	digests := map[reference.Reference]string{}
	var errs []error
	var group errgroup.Group
	group.SetLimit(16)
	sources := map[reference.Reference]bool{}
	for _, image := range result.All() {
		if sources[image.Source] {
			continue
		}
		sources[image.Source] = true
		group.Go(func() error {
			m, found, err := d.client.Head(ctx, remote.Image(image.Source))
			if err == nil && !found {
				err = fault.New(fault.NotFound, "", "image %s: not found", image.Source)
			}
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			digests[image.Source] = m.Digest
			return nil
		})
	}
	_ = group.Wait() // each image's error is kept
	if err := errors.Join(errs...); err != nil {
		return err
	}
	result.Pin(func(source reference.Reference) string { return digests[source] })
	return nil
}
