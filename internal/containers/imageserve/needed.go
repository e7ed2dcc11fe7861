package imageserve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Named are the digests that a tag names, that of the index first.
func (f *Folder) Named(repository, tag string) (digests []string, err error) {
	dir := path.Join("v2", repository, "manifests")
	text, err := f.read(path.Join(dir, tag+typeMapSuffix), maxTypeMap)
	if errors.Is(err, fs.ErrNotExist) {
		digest, err := f.resolve(repository, tag, anything)
		if err != nil {
			return nil, missing("tag "+tag+" of "+repository, err)
		}
		return []string{digest}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, v := range parseTypeMap(string(text)) {
		digests = append(digests, v.Digest)
	}
	if len(digests) == 0 {
		return nil, fault.New(fault.Drift, "", "%s%s names no manifest", tag, typeMapSuffix)
	}
	return digests, nil
}

// isList reports whether a tag only lists what is attached to a manifest: such a list may have more than
// is here.
func isList(tag string) bool {
	return reference.ValidDigest(strings.Replace(tag, "-", ":", 1))
}

// walk visits manifests and all that they list. Ones that a list of referrers has need not be there.
func (f *Folder) walk(ctx context.Context, repository string, digests []string, lenient bool, visit func(*registry.Manifest)) error {
	var broken []error
	seen := map[string]bool{}
	for look := slices.Clone(digests); len(look) > 0; look = look[1:] {
		digest := look[0]
		if seen[digest] || len(seen) > maxManifests {
			continue
		}
		seen[digest] = true
		m, err := (Images{f}).Manifest(ctx, registry.Image{Repository: repository, Identifier: digest})
		if lenient && fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			broken = append(broken, err)
			continue
		}
		visit(m)
		for _, d := range m.Manifests {
			look = append(look, d.Digest)
		}
	}
	return errors.Join(broken...)
}

const maxManifests = 100_000 // of one tag

// kept are all digests of manifests and blobs that the repository's tags need. What can't be read is an
// error: nothing may be removed then.
func (f *Folder) kept(ctx context.Context, repository string) (map[string]bool, error) {
	keep := map[string]bool{}
	tags, err := f.Tags(repository)
	if err != nil {
		return nil, err
	}
	visit := func(m *registry.Manifest) {
		keep[m.Digest] = true
		for _, d := range m.Refers() {
			keep[d.Digest] = true
		}
	}
	for _, tag := range tags {
		digests, err := f.Named(repository, tag)
		if err == nil {
			err = f.walk(ctx, repository, digests, isList(tag), visit)
		}
		if err != nil {
			return nil, fmt.Errorf("tag %s of %s: %w", tag, repository, err)
		}
	}
	return keep, nil
}
