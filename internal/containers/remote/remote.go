// Package remote asks registries what a decision about images needs to know, and reads and stores
// single images.
package remote

import (
	"context"
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Registry is a client, asked by the names of images.
type Registry struct {
	Client *registry.Client
	Seen   *Seen // keeps what images have that were looked for; nil keeps nothing
}

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
	d, found, err := r.Client.Head(ctx, Image(image))
	if found && err == nil && r.Seen != nil {
		r.Seen.answers.Store(Image(image), d)
	}
	return found, err
}

// Digest is what the image's name stands for now. With whole, it is that of an index; else of the
// image that is taken from it.
func (r Registry) Digest(ctx context.Context, image reference.Reference, whole bool) (string, error) {
	d, found, err := r.Client.Head(ctx, Image(image))
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", fault.New(fault.NotFound, "", "image %s: not found", image)
	case whole || !d.IsIndex():
		return d.Digest, nil
	}
	index, err := r.Client.Manifest(ctx, Image(image).With(d.Digest))
	if err != nil {
		return "", err
	}
	if d, err = index.Preferred(); err != nil {
		return "", fmt.Errorf("image %s: %w", image, err)
	}
	return d.Digest, nil
}

// Tags are all tags of the repository.
func (r Registry) Tags(ctx context.Context, image reference.Reference) ([]string, error) {
	return r.Client.Tags(ctx, image.Registry(), image.Repository())
}
