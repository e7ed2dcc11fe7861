// Package imageserve reads the folder in which an undercloud keeps its images for Apache, usually
// /var/lib/image-serve, and serves it as a registry that can only be read.
//
// Below v2/NAME there are blobs/DIGEST (a layer has .gz after it), manifests/DIGEST/index.json, and
// for each tag manifests/TAG.type-map, which names a manifest for each media type.
package imageserve

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Folder is an image-serve folder. Nothing outside of it is read, also not by symbolic links.
type Folder struct{ root *os.Root }

// The bounds of what is read.
const (
	maxManifest = 4 << 20
	maxTypeMap  = 64 << 10
	maxDepth    = 16 // of a repository's name
)

const typeMap = ".type-map"

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
	return &Folder{root}, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

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
		tag, isMap := strings.CutSuffix(e.Name(), typeMap)
		// Older folders have a link from the tag to the manifest's folder.
		if (isMap || e.Type()&fs.ModeSymlink != 0) && reference.ValidTag(tag) {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// Manifest is a manifest's bytes.
type Manifest struct {
	MediaType, Digest string
	Bytes             []byte
}

// Manifest reads the manifest of that tag or digest. Of a tag that has several, an index is given
// only to those who accept one. Bytes that don't fit their digest are an error.
func (f *Folder) Manifest(repository, identifier string, accepts func(mediaType string) bool) (*Manifest, error) {
	what := "manifest " + identifier + " of " + repository
	digest := identifier
	if !reference.ValidDigest(identifier) {
		if !reference.ValidTag(identifier) {
			return nil, fault.New(fault.NotFound, "", "%s: neither a tag nor a digest", what)
		}
		var err error
		if digest, err = f.resolve(repository, identifier, accepts); err != nil {
			return nil, missing(what, err)
		}
	}
	text, err := f.read(path.Join("v2", repository, "manifests", digest, "index.json"), maxManifest)
	if err != nil {
		return nil, missing(what, err)
	}
	sum := sha256.Sum256(text)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != digest {
		return nil, fault.New(fault.Internal, "", "%s: corrupt: its digest is %s", what, got)
	}
	return &Manifest{mediaType(text), digest, text}, nil
}

// resolve finds the digest that a tag means.
func (f *Folder) resolve(repository, tag string, accepts func(string) bool) (string, error) {
	dir := path.Join("v2", repository, "manifests")
	text, err := f.read(path.Join(dir, tag+typeMap), maxTypeMap)
	if errors.Is(err, fs.ErrNotExist) {
		target, linkErr := f.root.Readlink(path.Join(dir, tag))
		if linkErr != nil {
			return "", err
		}
		return path.Base(target), nil
	}
	if err != nil {
		return "", err
	}
	variants := parseTypeMap(string(text))
	for _, v := range variants {
		if types.MediaType(v.MediaType).IsIndex() && accepts(v.MediaType) {
			return v.Digest, nil
		}
	}
	for _, v := range variants {
		if !types.MediaType(v.MediaType).IsIndex() {
			return v.Digest, nil
		}
	}
	if len(variants) > 0 {
		return variants[0].Digest, nil
	}
	return "", fmt.Errorf("%s%s names no manifest", tag, typeMap)
}

// variant is one line of a type-map.
type variant struct{ MediaType, Digest string }

// parseTypeMap reads Apache's type-map: blocks of Content-Type and URI.
func parseTypeMap(text string) (all []variant) {
	for block := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		var v variant
		for line := range strings.SplitSeq(block, "\n") {
			key, value, _ := strings.Cut(line, ":")
			value = strings.TrimSpace(value)
			switch strings.ToLower(strings.TrimSpace(key)) {
			case "content-type":
				v.MediaType = value
			case "uri":
				v.Digest = strings.TrimSuffix(value, "/index.json")
			}
		}
		if v.MediaType != "" && reference.ValidDigest(v.Digest) {
			all = append(all, v)
		}
	}
	return all
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

// mediaType is what a manifest says of itself; without that, what its parts make it.
func mediaType(text []byte) string {
	var m struct {
		MediaType string            `json:"mediaType"`
		Manifests []json.RawMessage `json:"manifests"`
		Config    struct {
			MediaType string `json:"mediaType"`
		} `json:"config"`
	}
	switch err := json.Unmarshal(text, &m); {
	case err != nil:
		return "application/octet-stream"
	case m.MediaType != "":
		return m.MediaType
	case m.Manifests != nil:
		return string(types.OCIImageIndex)
	case m.Config.MediaType == string(types.DockerConfigJSON):
		return string(types.DockerManifestSchema2)
	}
	return string(types.OCIManifestSchema1)
}

func missing(what string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "", "%s: not found", what)
	}
	return fmt.Errorf("%s: %w", what, err)
}
