// Package layout keeps images outside of registries: as an OCI image layout, in a folder or in a tar
// file. It is a store of internal/containers/transfer, so that the engine copies to and from it.
package layout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// The names of a layout's files and annotations.
const (
	indexName   = "index.json"
	versionName = "oci-layout"
	deltaName   = "delta.json" // ours: which blobs are left out
	refName     = "org.opencontainers.image.ref.name"
	imageName   = "io.containerd.image.name"
	version     = `{"imageLayoutVersion":"1.0.0"}`
)

const (
	maxManifest = 4 << 20
	maxIndex    = 32 << 20
)

// files are the files of a layout.
type files interface {
	// open gives a file and its size; one that isn't there, or isn't whole, is fs.ErrNotExist.
	open(name string) (io.ReadCloser, int64, error)
	// write writes a file whole or not at all. body gives size bytes, or an error.
	write(name string, size int64, body io.Reader) error
	// index replaces the layout's lists, by the name of the file.
	index(lists map[string][]byte) error
	// lock waits until no other process writes the lists, and keeps them from it until unlock.
	lock(ctx context.Context) (unlock func(), err error)
	free() (int64, error)
	close() error
}

// Layout is an OCI image layout. It is safe for concurrent use.
type Layout struct {
	files files

	mu     sync.Mutex
	list   []registry.Descriptor          // of index.json
	before map[string]string              // digests by name in index.json, as it was read or written last
	mine   map[string]registry.Descriptor // entries by name that aren't in index.json yet
	named  map[string]*registry.Manifest  // stored in this run, by repository@digest
	given  map[string][]string            // repositories by blob that the other end has
	left   map[string][]string            // those of given that were asked for
}

// Open opens a layout that is there.
func Open(path string) (l *Layout, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.NotFound, "", "image layout %s: not found", path)
	case err != nil:
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	l = &Layout{}
	if info.IsDir() {
		l.files, err = openFolder(path)
	} else {
		l.files, err = openArchive(path)
	}
	if err != nil {
		return nil, err
	}
	if err := l.read(false); err != nil {
		l.files.close()
		return nil, fault.Wrap(fault.KindOf(err), "", fmt.Errorf("image layout %s: %w", path, err))
	}
	return l, nil
}

// Leave has the layout do without blobs that the other end has: repositories by digest.
func (l *Layout) Leave(blobs map[string][]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.given = blobs
}

// Left are the blobs that the layout does without: the repositories that have them, by digest.
func (l *Layout) Left() map[string][]string { return l.left }

// Free is how many bytes can be written.
func (l *Layout) Free() (int64, error) { return l.files.free() }

// Close ends reading, or an unfinished layout.
func (l *Layout) Close() error { return l.files.close() }

// blobName is a blob's file.
func blobName(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }

// nameOf is an image's name in the list: repositories have their registries before them.
func nameOf(i registry.Image) string {
	if strings.Contains(i.Identifier, ":") {
		return i.Repository + "@" + i.Identifier
	}
	return i.Repository + ":" + i.Identifier
}

// Images are the layout's images by name, without what is attached to them.
func (l *Layout) Images(ctx context.Context) (all []reference.Reference, err error) {
	l.mu.Lock()
	list := slices.Clone(l.list)
	l.mu.Unlock()
	for _, d := range list {
		name := d.Annotations[refName]
		r, err := reference.Parse(name)
		if err != nil {
			return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("%s: an image without a usable name: %w", indexName, err))
		}
		if r.Tag == "" {
			m, err := l.Manifest(ctx, registry.Image{Identifier: d.Digest})
			if err != nil {
				return nil, err
			}
			if m.Subject != nil {
				continue
			}
		}
		all = append(all, r)
	}
	return all, nil
}
