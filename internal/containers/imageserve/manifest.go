package imageserve

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

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
	return &Manifest{registry.MediaType(text), digest, text}, nil
}

// resolve finds the digest that a tag means.
func (f *Folder) resolve(repository, tag string, accepts func(string) bool) (string, error) {
	dir := path.Join("v2", repository, "manifests")
	text, err := f.read(path.Join(dir, tag+typeMapSuffix), maxTypeMap)
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
	return "", fmt.Errorf("%s%s names no manifest", tag, typeMapSuffix)
}
