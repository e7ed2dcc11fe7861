// Package imagetree answers what lies where in an image's file system, without unpacking it. Layers
// are read from the top, each at most once and only as far down as an answer needs.
package imagetree

import (
	"archive/tar"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// maxLinks is how many symbolic links one path may lead through, as in Linux.
const maxLinks = 40

// Entry is what lies at a path.
type Entry struct {
	Type   byte        // as in archive/tar
	Link   string      // where a symbolic link points
	Folder *tar.Header // a folder's mode, owner and attributes
	data   []byte      // of the files in kept
}

// IsDir reports whether it is a folder.
func (e Entry) IsDir() bool { return e.Type == '5' }

// Tree is an image's file system.
type Tree struct {
	cache  *Cache
	layers []v1.Layer // the lowest first
}

// Open is the file system of the image; layers that cache has read are not read again.
func Open(image v1.Image, cache *Cache) (*Tree, error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, fmt.Errorf("layers: %w", err)
	}
	return &Tree{cache, layers}, nil
}

// Resolve is the path with all symbolic links followed, as a process in the container would, whether
// something lies there or not. It is absolute, and never leads out of the root.
func (r *Tree) Resolve(name string) (string, error) {
	rest := split(name)
	done := []string{}
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		if part == ".." {
			done = done[:max(0, len(done)-1)]
			continue
		}
		here := "/" + path.Join(append(slices.Clip(done), part)...)
		entry, found, err := r.lookup(here)
		if err != nil {
			return "", err
		}
		if !found || entry.Type != '2' {
			done = append(done, part)
			continue
		}
		if links++; links > maxLinks {
			return "", fault.New(fault.Usage, "", "%s leads through more than %d symbolic links", name, maxLinks)
		}
		if strings.HasPrefix(entry.Link, "/") {
			done = done[:0]
		}
		rest = append(split(entry.Link), rest...)
	}
	return "/" + path.Join(done...), nil
}

// split are the parts of a path, which may have "..".
func split(name string) (parts []string) {
	for part := range strings.SplitSeq(name, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return parts
}

// Stat is what lies at the path, after symbolic links.
func (r *Tree) Stat(name string) (entry Entry, found bool, err error) {
	at, err := r.Resolve(name)
	if err != nil {
		return entry, false, err
	}
	return r.lookup(at)
}

// lookup is what lies at exactly that absolute path.
func (r *Tree) lookup(name string) (Entry, bool, error) {
	if name == "/" {
		return Entry{Type: '5'}, true, nil
	}
	key := strings.TrimPrefix(name, "/")
	for _, l := range slices.Backward(r.layers) {
		index, err := r.cache.index(l)
		if err != nil {
			return Entry{}, false, err
		}
		if e, ok := index.entries[key]; ok {
			return e, true, nil
		}
		if index.hides(key) {
			return Entry{}, false, nil
		}
	}
	return Entry{}, false, nil
}

// Cache holds what is in layers, by their digests. It is safe for concurrent use.
type Cache struct {
	mu   sync.Mutex
	read map[v1.Hash]func() (*index, error)
}

func (c *Cache) index(l v1.Layer) (*index, error) {
	digest, err := l.Digest()
	if err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	c.mu.Lock()
	if c.read == nil {
		c.read = map[v1.Hash]func() (*index, error){}
	}
	read, ok := c.read[digest]
	if !ok {
		read = sync.OnceValues(func() (*index, error) { return readIndex(l) })
		c.read[digest] = read
	}
	c.mu.Unlock()
	found, err := read()
	if err != nil { // another image may have better luck
		c.mu.Lock()
		delete(c.read, digest)
		c.mu.Unlock()
		return nil, fmt.Errorf("layer %s: %w", digest, err)
	}
	return found, nil
}
