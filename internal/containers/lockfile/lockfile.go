// Package lockfile keeps which digest each image had when it was prepared, so that a later run can
// use the very same images, or say what has changed.
package lockfile

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// File is the content of a lock file: digests by the images' names with tags.
type File map[string]string

// Read reads a lock file. One that isn't there is fault.NotFound.
func Read(path string) (File, error) {
	top, err := foreignfile.Read(path, "version: 1 and images:")
	if err != nil {
		return nil, err
	}
	f := File{}
	var version string
	return f, top.Map(foreignfile.Keys{
		"version": foreignfile.OneOf(&version, "1"),
		"images":  func(n *foreignfile.Node) error { return n.Pairs(f.image) },
	}, "version", "images")
}

func (f File) image(name string, at, value *foreignfile.Node) error {
	var digest string
	if err := foreignfile.Text(&digest)(value); err != nil {
		return err
	}
	switch image, err := reference.Parse(name); {
	case err != nil:
		return at.Errorf("%w", err)
	case image.Digest != "" || image.String() != name:
		return at.Errorf("%q is no name of an image with a tag", name)
	case !reference.ValidDigest(digest):
		return value.Errorf("%q of %s is no digest", digest, name)
	}
	f[name] = digest
	return nil
}

// ReadIfThere is Read, with an empty file if there is none.
func ReadIfThere(path string) (File, error) {
	f, err := Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, nil
	}
	return f, err
}

// Bytes is the file's text, sorted by image.
func (f File) Bytes() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# The images of the last preparation, by digest.\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(map[string]any{"version": 1, "images": map[string]string(f)})
	return b.Bytes(), cmp.Or(err, e.Close())
}

// Pin is the image by the digest that the file has for it.
func (f File) Pin(image reference.Reference) (reference.Reference, error) {
	if image.Digest != "" {
		return image, nil
	}
	digest := f[image.String()]
	if digest == "" {
		return image, fault.New(fault.Drift, "", "image %s isn't in the lock file", image)
	}
	return image.WithDigest(digest), nil
}

// Change is one difference between two lock files; a digest is empty on the side that lacks the image.
type Change struct{ Image, Before, After string }

// Diff is what differs, by image.
func Diff(before, after File) (changes []Change) {
	both := maps.Clone(before)
	if both == nil {
		both = File{}
	}
	maps.Copy(both, after)
	for _, image := range slices.Sorted(maps.Keys(both)) {
		if before[image] != after[image] {
			changes = append(changes, Change{image, before[image], after[image]})
		}
	}
	return changes
}
