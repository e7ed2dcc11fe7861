package transfer

import (
	"context"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

func (r *run) store(ctx context.Context, i *Image, target registry.Image) error {
	for _, d := range i.blobs {
		b := r.blobs[blobKey{target.Host, d.Digest}]
		if b.home == target.Repository {
			continue
		}
		m := mount{target.Host, target.Repository, d.Digest}
		if err := r.mounts.do(m, func() error { return r.mount(ctx, m, b) }); err != nil {
			return err
		}
	}
	for n, m := range i.manifests {
		if err := r.storeOne(ctx, i, target, m, n == len(i.manifests)-1); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) storeOne(ctx context.Context, i *Image, target registry.Image, m stored, last bool) error {
	if m.attached {
		mu, _ := r.attach.LoadOrStore(place{target.Host, target.Repository}, &sync.Mutex{})
		one := mu.(*sync.Mutex) //nolint:forcetypeassert // nothing else is stored
		one.Lock()
		defer one.Unlock()
		return r.stores.at(target.Host).Attach(ctx, target, m.Manifest)
	}
	name := target.With(m.Digest)
	switch {
	case m.tag != "":
		name = target.With(m.tag)
	case last && i.Target.Digest == "":
		name = target
	}
	return r.put(ctx, i, name, m.Manifest)
}

// put stores a manifest. A registry that misses a blob then, because it was deleted since it was
// looked up or because another run is writing the same, gets it again. An index's manifests were just
// stored: a registry that misses one can't read it while another copy stores it, too.
func (r *run) put(ctx context.Context, i *Image, name registry.Image, m *registry.Manifest) error {
	retry := change.DefaultRetry
	for try := 1; ; try++ {
		err := r.stores.at(name.Host).PutManifest(ctx, name, m)
		if !registry.LacksBlob(err) || try >= retry.Tries || !change.Sleep(ctx, retry.Pause(try)) {
			return err
		}
		if m.IsIndex() {
			continue
		}
		for _, d := range m.Refers() {
			if d.Foreign() {
				continue
			}
			if err := r.restore(ctx, i, name, d); err != nil {
				return err
			}
		}
	}
}

// restore sends a blob that the repository lacks, from the image's own source.
func (r *run) restore(ctx context.Context, i *Image, name registry.Image, d registry.Descriptor) error {
	to := r.stores.at(name.Host)
	has, err := to.HasBlob(ctx, name.Host, name.Repository, d)
	if err != nil || has {
		return err
	}
	source := i.from()
	return again(ctx, func() error {
		body, err := r.open(ctx, place{source.Host, source.Repository}, d)
		if err != nil {
			return err
		}
		defer body.Close()
		return to.Upload(ctx, name.Host, name.Repository, d, body)
	})
}
