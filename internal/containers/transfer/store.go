package transfer

import (
	"context"
	"io"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Store has images: registries, which a registry.Client asks, or a folder or file, for which hosts and
// repositories are parts of the images' names.
type Store interface {
	// Head tells which manifest an image has now.
	Head(ctx context.Context, i registry.Image) (d registry.Descriptor, found bool, err error)
	// Manifest reads a manifest and checks its digest.
	Manifest(ctx context.Context, i registry.Image) (*registry.Manifest, error)
	// Blob reads a blob and checks size and digest until io.EOF.
	Blob(ctx context.Context, host, repository string, d registry.Descriptor) (io.ReadCloser, error)
	// HasBlob reports whether a repository has a blob, whole.
	HasBlob(ctx context.Context, host, repository string, d registry.Descriptor) (bool, error)
	// Mount makes a blob of one repository a blob of another; done is false where that can't be done.
	Mount(ctx context.Context, host, repository, digest, from string) (done bool, err error)
	// Upload stores a blob of which body gives all bytes, or an error. It is stored whole or not at all.
	Upload(ctx context.Context, host, repository string, d registry.Descriptor, body io.Reader) error
	// PutManifest stores a manifest under the image's tag or digest.
	PutManifest(ctx context.Context, i registry.Image, m *registry.Manifest) error
	// SomeTags are tags of a repository, perhaps all.
	SomeTags(ctx context.Context, host, repository string) (some []string, all bool, err error)
	// Referrers are what is attached to a manifest; known is false where no list of that is kept.
	Referrers(ctx context.Context, i registry.Image) (all []registry.Descriptor, known bool, err error)
	// Attach stores a manifest so that it is found from its subject; never twice at once for a repository.
	Attach(ctx context.Context, i registry.Image, m *registry.Manifest) error
}

// Folder is a Store on a disk.
type Folder interface {
	Store
	// Repository is what the folder calls an image's repository.
	Repository(r reference.Reference) string
	// Free is how many bytes can be written.
	Free() (int64, error)
	// Finish ends a run that wrote to it; failed says that some images aren't there.
	Finish(ctx context.Context, failed bool) error
}

// Stores are folders by the name that jobs have as their images' hosts, and registries for all other
// hosts.
type Stores struct {
	Registries Store
	Folders    map[string]Folder
}

// Registries are stores without folders.
func Registries(c Store) Stores { return Stores{Registries: c} }

func (s Stores) at(host string) Store {
	if f := s.Folders[host]; f != nil {
		return f
	}
	return s.Registries
}

// At is the store of a registry, or of a folder.
func (s Stores) At(host string) Store { return s.at(host) }
