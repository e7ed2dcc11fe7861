// Package remote asks registries what a decision about images needs to know, and reads and stores
// single images.
package remote

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Registry is a client, asked by the names of images.
type Registry struct{ Client *registry.Client }

// Image is the reference as the client takes it.
func Image(r reference.Reference) registry.Image {
	return registry.Image{Host: r.Registry(), Repository: r.Repository(), Identifier: r.Identifier()}
}

// Labels are those of the image's configuration.
func (r Registry) Labels(ctx context.Context, image reference.Reference) (map[string]string, error) {
	config, _, err := r.Client.Config(ctx, Image(image))
	return config.Labels, err
}

// Exists reports whether there is such a tag or digest.
func (r Registry) Exists(ctx context.Context, image reference.Reference) (bool, error) {
	_, found, err := r.Client.Head(ctx, Image(image))
	return found, err
}

// Tags are all tags of the repository.
func (r Registry) Tags(ctx context.Context, image reference.Reference) ([]string, error) {
	return r.Client.Tags(ctx, image.Registry(), image.Repository())
}
