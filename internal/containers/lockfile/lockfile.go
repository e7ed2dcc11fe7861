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

	"github.com/imgctl/packer-plugin-openstack/internal/containers/document"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// File is the content of a lock file: digests by the images' names with tags.
type File map[string]string

const version = 1

// Read reads a lock file. One that isn't there is fault.NotFound.
func Read(path string) (File, error) {
	root, err := document.Read(path)
	if err != nil {
		return nil, err
	}
	if v := root.Get("version"); v.IsNull() || v.Text != "1" {
		return nil, root.Errorf("not a lock file of version %d", version)
	}
	images := root.Get("images")
	if !images.IsNull() && images.Kind != document.Map {
		return nil, images.Errorf("images has to be a mapping, not %s", images.Kind)
	}
	f := File{}
	if images.IsNull() {
		return f, nil
	}
	for _, p := range images.Pairs {
		if _, err := reference.Parse(p.Key); err != nil {
			return nil, p.Value.Errorf("%v", err)
		}
		if !reference.ValidDigest(p.Value.String()) {
			return nil, p.Value.Errorf("%q of %s is no digest", p.Value.String(), p.Key)
		}
		f[p.Key] = p.Value.String()
	}
	return f, nil
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
	err := e.Encode(map[string]any{"version": version, "images": map[string]string(f)})
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
