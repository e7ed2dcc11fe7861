package modify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
)

// native changes layers and configuration, and runs nothing. The same inputs give the same digest.
type native struct{}

func (native) modify(ctx context.Context, w *work) (v1.Image, error) {
	before, err := w.base.ConfigFile()
	if err != nil {
		return nil, err
	}
	config := before.DeepCopy()
	copies, err := w.recipe.file.Apply(&config.Config)
	if err != nil {
		return nil, err
	}
	image := w.base
	if len(copies) > 0 {
		layer, err := w.copied(ctx, copies)
		if err != nil {
			return nil, err
		}
		image, err = mutate.Append(image, mutate.Addendum{
			Layer: layer, History: v1.History{Created: config.Created, CreatedBy: "COPY from " + filepath.Base(w.recipe.folder)},
		})
		if err != nil {
			return nil, err
		}
	}
	return mutate.Config(image, config.Config)
}

// copied is a layer of the files that the Dockerfile copies.
func (w *work) copied(ctx context.Context, copies []dockerCopy) (v1.Layer, error) {
	tree, err := rootfs.Open(w.run.cache, w.base)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(w.recipe.folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	ignore, err := ignored(w.recipe.folder)
	if err != nil {
		return nil, err
	}
	f := &files{ctx: ctx, tree: tree, root: root, ignore: ignore, entries: map[string]*entry{}}
	for _, c := range copies {
		if err := f.copy(c); err != nil {
			return nil, fmt.Errorf("%s/Dockerfile: line %d: %w", w.recipe.folder, c.Line, err)
		}
	}
	return w.layer(f.write)
}

// layer compresses an archive into the run's folder.
func (w *work) layer(write archive) (v1.Layer, error) {
	file := filepath.Join(w.folder, "layer.tar")
	if err := write.to(file); err != nil {
		return nil, err
	}
	kind, err := w.layerType()
	if err != nil {
		return nil, err
	}
	// It is compressed again by each read, to the same bytes.
	return tarball.LayerFromFile(file, tarball.WithMediaType(kind))
}
