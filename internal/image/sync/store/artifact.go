package store

import (
	"context"
	"io"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Artifact is an image in a container registry: an OCI artifact with the disk as its one layer.
type Artifact struct {
	Registry  *registry.Client
	Reference string // HOST/REPOSITORY:TAG or HOST/REPOSITORY@DIGEST
	Name      string // of the image
}

// Offers implements Store.
func (a *Artifact) Offers(ctx context.Context) ([]*Offer, error) {
	image, err := parseReference(a.Reference)
	if err != nil {
		return nil, err
	}
	m, err := a.Registry.Manifest(ctx, image)
	if err != nil {
		return nil, err
	}
	o := &Offer{Name: a.Name, From: a.Reference, Release: m.Annotations["org.opencontainers.image.version"], Source: upload.Source{
		Name: a.Reference,
	}}
	if len(m.Layers) != 1 {
		o.Problem = fault.New(fault.Forbidden, "", "%s has %d layers, and not the disk alone", a.Reference, len(m.Layers))
		return checked([]*Offer{o}), nil
	}
	disk := m.Layers[0]
	if o.Source.Sums, o.Problem = upload.ParseSums(disk.Digest); o.Problem == nil && o.Release == "" {
		o.Release = short(disk.Digest)
	}
	o.Source.Size = disk.Size
	o.Source.Open = func(ctx context.Context, offset int64) (*upload.Opened, error) {
		body, err := a.Registry.Blob(ctx, image.Host, image.Repository, disk)
		if err != nil {
			return nil, err
		}
		if _, err := io.CopyN(io.Discard, body, offset); err != nil {
			body.Close()
			return nil, fault.Wrap(fault.Unavailable, "", err)
		}
		return &upload.Opened{ReadCloser: body, Size: disk.Size}, nil
	}
	return checked([]*Offer{o}), nil
}

func parseReference(text string) (registry.Image, error) {
	host, path, _ := strings.Cut(text, "/")
	repository, identifier, found := strings.Cut(path, "@")
	if !found {
		at := strings.LastIndex(path, ":")
		if at > 0 {
			repository, identifier = path[:at], path[at+1:]
		}
	}
	if host == "" || repository == "" || identifier == "" || strings.ContainsAny(text, " ?#%\\") || strings.Contains(text, "..") {
		return registry.Image{}, fault.New(fault.Usage, "", "%q is no reference such as registry.example.org/images/debian:13", text)
	}
	return registry.Image{Host: host, Repository: repository, Identifier: identifier}, nil
}
