package hotfix

import (
	"context"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// shared has images whose new layers are the same, as their package databases were, send it once: the
// others get it from the first one's repository.
type shared struct {
	mu    sync.Mutex
	first map[string]*first // by registry and digest
}

type first struct {
	repository string
	mu         sync.Mutex
	sent       bool
}

// layer makes the image's new layer one of the target's, if another image of the run has sent it. It
// lets the first one send it before the others ask.
func (s *shared) layer(ctx context.Context, store transfer.Store, target registry.Image, i *Image) error {
	layers, err := i.image.Layers()
	if err != nil {
		return err
	}
	l := layers[len(layers)-1]
	digest, err := l.Digest()
	if err != nil {
		return err
	}
	f := s.of(target, digest.String())
	f.mu.Lock()
	defer f.mu.Unlock()
	d := registry.Descriptor{Digest: digest.String(), Size: i.Bytes}
	has, err := store.HasBlob(ctx, target.Host, target.Repository, d)
	if err != nil || has {
		return err
	}
	if f.sent && f.repository != target.Repository {
		done, err := store.Mount(ctx, target.Host, target.Repository, d.Digest, f.repository)
		if err != nil || done {
			return err
		}
	}
	if err := remote.StoreBlob(ctx, store, target, l); err != nil {
		return err
	}
	f.sent, f.repository = true, target.Repository
	return nil
}

func (s *shared) of(target registry.Image, digest string) *first {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := target.Host + " " + digest
	if s.first[key] == nil {
		if s.first == nil {
			s.first = map[string]*first{}
		}
		s.first[key] = &first{}
	}
	return s.first[key]
}
