// Package imageserve reads the folder in which an undercloud keeps its images for Apache, usually
// /var/lib/image-serve, and serves it as a registry that can only be read.
//
// Below v2/NAME there are blobs/DIGEST (a layer has .gz after it), manifests/DIGEST/index.json, and
// for each tag manifests/TAG.type-map, which names a manifest for each media type.
package imageserve

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Folder is an image-serve folder. Nothing outside of it is read, also not by symbolic links.
type Folder struct {
	root *os.Root
	dir  string

	mu      sync.Mutex
	lock    *os.File         // shared while something is written
	undo    func()           // for a folder that this run has begun: removes the folders that it made
	whole   map[blobKey]bool // what was checked
	listing sync.Mutex
}

// The bounds of what is read.
const (
	maxManifest = 4 << 20
	maxTypeMap  = 64 << 10
	maxDepth    = 16 // of a repository's name
)

const typeMapSuffix = ".type-map"

// Open opens the folder, which has v2 in it.
func Open(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "", fmt.Errorf("opening the folder of images: %w", err))
	}
	if info, err := root.Stat("v2"); err != nil || !info.IsDir() {
		root.Close()
		return nil, fault.New(fault.Usage, "", "%s isn't a folder of images: it has no v2", dir)
	}
	return &Folder{root: root, dir: dir}, nil
}

// Close closes the folder. One that this run has begun and that got nothing is removed.
func (f *Folder) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lock != nil {
		disk.Unlock(f.lock)
	}
	if f.undo != nil && f.clear() {
		defer f.undo()
	}
	return f.root.Close()
}

// Repositories are those that have manifests, sorted.
func (f *Folder) Repositories() ([]string, error) {
	all := []string{}
	err := fs.WalkDir(f.root.FS(), "v2", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == "v2":
			return err
		case err != nil: // what can't be read isn't listed
			return fs.SkipDir
		case !d.IsDir():
			return nil
		case strings.Count(name, "/") > maxDepth, d.Name() == "blobs", d.Name() == "tags":
			return fs.SkipDir
		case d.Name() == "manifests":
			all = append(all, strings.TrimPrefix(path.Dir(name), "v2/"))
			return fs.SkipDir
		}
		return nil
	})
	slices.Sort(all)
	return all, err
}

// Tags are the repository's, sorted. A repository that isn't there is fault.NotFound.
func (f *Folder) Tags(repository string) ([]string, error) {
	d, err := f.root.Open(path.Join("v2", repository, "manifests"))
	if err != nil {
		return nil, missing("repository "+repository, err)
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	tags := []string{}
	for _, e := range entries {
		tag, isMap := strings.CutSuffix(e.Name(), typeMapSuffix)
		// Older folders have a link from the tag to the manifest's folder.
		if (isMap || e.Type()&fs.ModeSymlink != 0) && reference.ValidTag(tag) {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// Blob opens a blob; its size is that of the file.
func (f *Folder) Blob(repository, digest string) (*os.File, error) {
	if !reference.ValidDigest(digest) {
		return nil, fault.New(fault.NotFound, "", "%.100q is no digest", digest)
	}
	name := path.Join("v2", repository, "blobs", digest)
	file, err := f.root.Open(name + ".gz")
	if errors.Is(err, fs.ErrNotExist) {
		file, err = f.root.Open(name)
	}
	if err != nil {
		return nil, missing("blob "+digest+" of "+repository, err)
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, fault.New(fault.NotFound, "", "blob %s of %s: not a file", digest, repository)
	}
	return file, nil
}

func (f *Folder) read(name string, limit int64) ([]byte, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return text, err
}

func missing(what string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "", "%s: not found", what)
	}
	return fmt.Errorf("%s: %w", what, err)
}
