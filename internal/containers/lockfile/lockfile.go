// Package lockfile keeps which digest each image had when it was prepared, and which tags labels
// named, so that a later run can use the very same images, or say what has changed.
package lockfile

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// File is the content of a lock file.
type File struct {
	// Images are digests by the images' names with tags.
	Images map[string]string `yaml:"images"`
	// Tags are the tags that labels named, by the names with the tags to start from.
	Tags map[string]string `yaml:"tags,omitempty"`
}

// New is an empty file.
func New() *File { return &File{Images: map[string]string{}, Tags: map[string]string{}} }

// Read reads a lock file. One that isn't there is fault.NotFound.
func Read(path string) (*File, error) {
	top, err := foreignfile.Read(path, "version: 1 and images:")
	if err != nil {
		return nil, err
	}
	f := New()
	var version string
	return f, top.Map(foreignfile.Keys{
		"version": foreignfile.OneOf(&version, "1"),
		"images":  named(f.Images, reference.ValidDigest, "digest"),
		"tags":    named(f.Tags, reference.ValidTag, "tag"),
	}, "version", "images")
}

// named reads a mapping from names of images to what is valid.
func named(into map[string]string, valid func(string) bool, what string) foreignfile.Reader {
	return func(n *foreignfile.Node) error {
		return n.Pairs(func(name string, at, value *foreignfile.Node) error {
			var text string
			if err := foreignfile.Text(&text)(value); err != nil {
				return err
			}
			switch image, err := reference.Parse(name); {
			case err != nil:
				return at.Errorf("%w", err)
			case image.Digest != "" || image.String() != name:
				return at.Errorf("%q is no name of an image with a tag", name)
			case !valid(text):
				return value.Errorf("%q of %s is no %s", text, name, what)
			}
			into[name] = text
			return nil
		})
	}
}

// ReadIfThere is Read, with an empty file if there is none.
func ReadIfThere(path string) (*File, error) {
	f, err := Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return New(), nil
	}
	return f, err
}

// Bytes is the file's text, sorted by image.
func (f *File) Bytes() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# The images of the last preparation, by digest.\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(struct {
		Version int `yaml:"version"`
		*File   `yaml:",inline"`
	}{1, f})
	return b.Bytes(), cmp.Or(err, e.Close())
}

// Pin is the image by the digest that the file has for it.
func (f *File) Pin(image reference.Reference) (reference.Reference, error) {
	if image.Digest != "" {
		return image, nil
	}
	digest := f.Images[image.String()]
	if digest == "" {
		return image, fault.New(fault.Drift, "", "image %s isn't in the lock file", image)
	}
	return image.WithDigest(digest), nil
}

// Tag is the tag that the labels of the image named when the file was written.
func (f *File) Tag(start reference.Reference) (string, error) {
	tag := f.Tags[start.String()]
	if tag == "" {
		return "", fault.New(fault.Drift, "", "the tag that the labels of %s name isn't in the lock file", start)
	}
	return tag, nil
}

// With is the file with the digests and tags that now has for images whose names have one of the parts.
func (f *File) With(now *File, parts []string) (*File, error) {
	all := &File{Images: maps.Clone(f.Images), Tags: maps.Clone(f.Tags)}
	for _, part := range parts {
		meant := func(name, _ string) bool { return strings.Contains(name, part) }
		taken := 0
		for _, m := range []struct{ to, from map[string]string }{{all.Images, now.Images}, {all.Tags, now.Tags}} {
			maps.DeleteFunc(m.to, meant)
			for name, value := range m.from {
				if meant(name, value) {
					m.to[name] = value
					taken++
				}
			}
		}
		if part == "" || taken == 0 {
			return nil, fault.New(fault.NotFound, "", "no image of the deployment has %q in its name", part)
		}
	}
	return all, nil
}

// Forget removes what the file has of the image, also by the tag that its labels named.
func (f *File) Forget(image reference.Reference) {
	if tag := f.Tags[image.String()]; tag != "" {
		delete(f.Images, image.WithTag(tag).String())
	}
	delete(f.Tags, image.String())
	delete(f.Images, image.String())
}

// Change is one difference between two lock files: a digest, or a tag that labels name. It is empty on
// the side that lacks the image.
type Change struct{ Image, Before, After string }

// Diff is what differs: tags first, then digests, by image.
func Diff(before, after *File) []Change {
	return append(diff(before.Tags, after.Tags), diff(before.Images, after.Images)...)
}

func diff(before, after map[string]string) (changes []Change) {
	both := maps.Clone(before)
	if both == nil {
		both = map[string]string{}
	}
	maps.Copy(both, after)
	for _, image := range slices.Sorted(maps.Keys(both)) {
		if before[image] != after[image] {
			changes = append(changes, Change{image, before[image], after[image]})
		}
	}
	return changes
}
