package main

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/test/registrytest"
)

// version is what the images' label says.
const version = "35414701c176_43527485"

// images are the names of those that the demo makes.
var images = []string{
	"keystone", "glance-api", "nova-api", "nova-conductor", "nova-scheduler", "placement-api", "horizon", "mariadb",
	"rabbitmq", "memcached",
}

// registry is one in this process, in memory, behind a proxy that counts.
type registry struct {
	*registrytest.Proxy
	store *registrytest.Registry
	sum   int64 // bytes of all images, each counted by itself
}

func serve(ctx context.Context) (*registry, error) {
	store, err := registrytest.Start(ctx, registrytest.Options{})
	if err != nil {
		return nil, err
	}
	proxy, err := store.Before(0)
	return &registry{Proxy: proxy, store: store}, err
}

// fill makes the images: two layers that all have, and one of their own.
func (r *registry) fill(ctx context.Context) error {
	base, err := registrytest.Layers(8<<20, 2<<20)
	if err != nil {
		return err
	}
	for _, image := range images {
		if err := r.push(ctx, base, "wallaby/openstack-"+image, "current-tripleo", version); err != nil {
			return err
		}
	}
	return r.push(ctx, base, "hotfix/openstack-nova-api", "fixed")
}

func (r *registry) push(ctx context.Context, base []v1.Layer, path string, tags ...string) error {
	own, err := registrytest.Layers(300 << 10)
	if err != nil {
		return err
	}
	image, err := registrytest.Image(map[string]string{"rdo_version": version}, append(own, base...)...)
	if err != nil {
		return err
	}
	r.sum += 10<<20 + 300<<10
	return r.store.Push(ctx, image, path, tags...)
}
