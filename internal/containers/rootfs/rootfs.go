// Package rootfs looks at the files of a container image without unpacking it. Layers are read from
// the top, and only as many as it takes to answer: a file that the top layer has needs no other.
package rootfs

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Entry is a file of an image.
type Entry struct {
	Path     string // absolute and clean
	Type     byte   // as archive/tar has it, but never a hard link
	Mode     int64  // permissions, with the bits for set-user-ID, set-group-ID and sticky
	UID, GID int
	Size     int64
	Link     string // of a symbolic link
	ModTime  time.Time
	Xattrs   map[string]string
	SHA256   string // of a file's content, in hexadecimal

	layer *layer
	at    string // where the layer has the content: the first of its hard links
}

// Folder reports whether the entry is one.
func (e *Entry) Folder() bool { return e != nil && e.Type == tar.TypeDir }

// Cache keeps the layers that were read, for all images of a run that share them.
type Cache struct {
	dir  string
	keep func(path string) bool

	mu     sync.Mutex
	layers map[string]func() (*layer, error)
	read   int64
}

// NewCache makes a cache that uses the folder, and keeps at hand the content of files for which keep
// is true. The folder is the caller's to remove.
func NewCache(dir string, keep func(path string) bool) *Cache {
	return &Cache{dir: dir, keep: keep, layers: map[string]func() (*layer, error){}}
}

// Read is how many bytes of layers were fetched.
func (c *Cache) Read() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read
}

// layer reads the layer, once.
func (c *Cache) layer(ctx context.Context, l v1.Layer) (*layer, error) {
	digest, err := l.Digest()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	f := c.layers[digest.String()]
	if f == nil {
		f = sync.OnceValues(func() (*layer, error) { return c.index(ctx, l, digest) })
		c.layers[digest.String()] = f
	}
	c.mu.Unlock()
	return f()
}

// Root is one image's root. It is not safe for concurrent use.
type Root struct {
	cache  *Cache
	layers []v1.Layer // the top one first
	read   []*layer
}

// Open looks at an image. It reads no layer yet.
func Open(c *Cache, image v1.Image) (*Root, error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, fmt.Errorf("layers: %w", err)
	}
	layers = slices.Clone(layers)
	slices.Reverse(layers)
	return &Root{cache: c, layers: layers}, nil
}

// Layers is how many layers were read, of how many.
func (r *Root) Layers() (read, of int) { return len(r.read), len(r.layers) }

// whole reports whether all layers were read.
func (r *Root) whole() bool { return len(r.read) == len(r.layers) }

// more reads the next layer.
func (r *Root) more(ctx context.Context) error {
	l, err := r.cache.layer(ctx, r.layers[len(r.read)])
	if err != nil {
		return fmt.Errorf("layer %d of %d: %w", len(r.layers)-len(r.read), len(r.layers), err)
	}
	r.read = append(r.read, l)
	return nil
}

// ReadAll reads all layers, after which everything is known.
func (r *Root) ReadAll(ctx context.Context) error {
	for !r.whole() {
		if err := r.more(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Peek tells what is known of the path without reading another layer. No entry, but known, is a path
// that isn't there. Links on the way to it are not followed.
func (r *Root) Peek(p string) (e *Entry, known bool) {
	for _, l := range r.read {
		if e, known = l.look(p); known {
			return e, true
		}
	}
	return nil, r.whole()
}

// Lstat finds the path, nil if it isn't there. It reads as many layers as that needs.
func (r *Root) Lstat(ctx context.Context, p string) (*Entry, error) {
	for {
		if e, known := r.Peek(p); known {
			return e, nil
		}
		if err := r.more(ctx); err != nil {
			return nil, err
		}
	}
}

// First finds the first of the paths that any layer has, from the top, nil if none is there. Layers
// below the one that has it aren't read.
func (r *Root) First(ctx context.Context, paths ...string) (*Entry, error) {
	for n := 0; ; n++ {
		if n == len(r.read) {
			if r.whole() {
				return nil, nil //nolint:nilnil // it isn't there
			}
			if err := r.more(ctx); err != nil {
				return nil, err
			}
		}
		for _, p := range paths {
			if r.read[n].entries[p] == nil {
				continue
			}
			if e, known := r.Peek(p); known && e != nil {
				return e, nil
			}
		}
	}
}

// Children are the names of what is known to be in the folder.
func (r *Root) Children(folder string) (names []string) {
	seen := map[string]bool{}
	for _, l := range r.read {
		for _, name := range l.children[folder] {
			p := path.Join(folder, name)
			if seen[name] {
				continue
			}
			seen[name] = true
			if e, known := r.Peek(p); known && e != nil || !known && len(r.Children(p)) > 0 {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Extract writes a file's content.
func (r *Root) Extract(e *Entry, w io.Writer) error {
	if kept := e.layer.kept[e.at]; kept != "" {
		f, err := os.Open(kept)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	}
	return e.layer.extract(e.at, w)
}

// ancestors are the folders above the path, without the root, the lowest first.
func ancestors(p string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for p = path.Dir(p); p != "/" && p != "."; p = path.Dir(p) {
			if !yield(p) {
				return
			}
		}
	}
}
