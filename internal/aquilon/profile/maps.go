package profile

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Default is the template map's entry for images that have none of their own.
const Default = "DEFAULT"

// TemplateMap says which templates an image is built with: lists of paths by the image's key.
type TemplateMap struct {
	source  string
	entries map[string][]string
}

// ParseTemplateMap reads a template map.
func ParseTemplateMap(source string, text []byte) (*TemplateMap, error) {
	d, err := ParseDocument(source, text)
	if err != nil {
		return nil, err
	}
	if d.Root.Kind != Object {
		return nil, d.Errorf(d.Root.offset, "a template map must be an object of lists, this is %s", d.Root.Kind)
	}
	m := &TemplateMap{source, map[string][]string{}}
	for _, entry := range d.Root.Members {
		if entry.Value.Kind != Array {
			return nil, d.Errorf(entry.Value.offset, "%q: expected a list of templates, this is %s", entry.Key, entry.Value.Kind)
		}
		templates := []string{}
		for _, v := range entry.Value.Items {
			file, _ := v.Scalar.(string)
			if file == "" {
				return nil, d.Errorf(v.offset, "%q: a template must be the path of a file", entry.Key)
			}
			templates = append(templates, file)
		}
		m.entries[entry.Key] = templates
	}
	return m, nil
}

// For lists the templates of an image: those of its own entry, otherwise those of DEFAULT. An empty list
// builds nothing. Relative paths start from the map's folder.
func (m *TemplateMap) For(key string) ([]string, error) {
	templates, ok := m.entries[key]
	if !ok {
		templates, ok = m.entries[Default]
	}
	if !ok {
		return nil, fault.New(fault.NotFound, near(key, slices.Sorted(maps.Keys(m.entries)))+`add it, or an entry "DEFAULT"`,
			"finding the templates of %q in %s: there is no entry for it and no DEFAULT", key, m.source)
	}
	if remote(m.source) {
		return templates, nil
	}
	found := make([]string, 0, len(templates))
	for _, t := range templates {
		if !path.IsAbs(t) && !filepath.IsAbs(t) {
			t = filepath.Join(filepath.Dir(m.source), t)
		}
		found = append(found, t)
	}
	return found, nil
}

// SourceImages says which image each operating system starts from.
type SourceImages struct {
	source  string
	entries []sourceImage
}

type sourceImage struct {
	os  string // "" in the flat shape
	key string // os+version-arch in the flat shape, version-arch or version below an os
	id  string
}

func (s sourceImage) String() string {
	if s.os == "" {
		return s.key
	}
	return s.os + " " + s.key
}

// ParseSourceImages reads source images in either shape: ids by "sl7x-x86_64", or by "sl" and
// then "7x-x86_64" or "7x". A value that isn't an image id is an error only when it is looked up.
func ParseSourceImages(source string, text []byte) (*SourceImages, error) {
	d, err := ParseDocument(source, text)
	if err != nil {
		return nil, err
	}
	if d.Root.Kind != Object {
		return nil, d.Errorf(d.Root.offset, "source images must be an object, this is %s", d.Root.Kind)
	}
	s := &SourceImages{source: source}
	for _, entry := range d.Root.Members {
		if entry.Value.Kind != Object {
			if err := s.add(d, "", entry); err != nil {
				return nil, err
			}
			continue
		}
		for _, inner := range entry.Value.Members {
			if err := s.add(d, entry.Key, inner); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *SourceImages) add(d *Document, os string, entry Member) error {
	id, ok := entry.Value.Scalar.(string)
	if !ok {
		return d.Errorf(entry.Value.offset, "%q: expected an image id, this is %s", entry.Key, entry.Value.Kind)
	}
	s.entries = append(s.entries, sourceImage{os, entry.Key, strings.TrimSpace(id)})
	return nil
}

// entry is the image that the profile's operating system starts from; an entry for the image's own key comes first.
func (s *SourceImages) entry(p *Profile, key string) (string, error) {
	var found []sourceImage
	for _, e := range s.entries {
		if e.os == "" && e.key == key {
			return e.id, nil
		}
	}
	for _, rest := range []string{p.release(), p.OSVersion} {
		for _, e := range s.entries {
			if e.os == p.OS && e.key == rest || e.os == "" && rest == p.release() && e.key == p.OS+rest {
				found = append(found, e)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	wanted := p.OS + p.release()
	switch {
	case len(found) == 0:
		return "", fault.New(fault.NotFound, near(wanted, s.keys())+"add it",
			"finding the source image of %q in %s: there is no entry for it", wanted, s.source)
	case len(found) > 1 && found[0].id != found[1].id:
		return "", fault.New(fault.Ambiguous, "remove one of them",
			"finding the source image of %q in %s: its entries %q and %q name different images",
			wanted, s.source, found[0], found[1])
	}
	return found[0].id, nil
}

func isID(image string) bool { return len(image) == 36 && uuid.Validate(image) == nil }

// Names reports whether an entry is the name of an image, or any entry is a name if that is "".
func (s *SourceImages) Names(image string) bool {
	return slices.ContainsFunc(s.entries, func(e sourceImage) bool { return !isID(e.id) && (image == "" || e.id == image) })
}

// keys are all entries as they are written in the flat shape.
func (s *SourceImages) keys() []string {
	var all []string
	for _, e := range s.entries {
		all = append(all, e.os+e.key)
	}
	return all
}

// near is a hint at the keys most like the wanted one, "" if none is.
func near(wanted string, keys []string) string {
	type candidate struct {
		key      string
		distance int
	}
	var like []candidate
	for _, key := range keys {
		d := levenshtein.Distance(strings.ToLower(wanted), strings.ToLower(key), nil)
		if d <= max(2, len(wanted)/3) {
			like = append(like, candidate{key, d})
		}
	}
	if len(like) == 0 {
		return ""
	}
	slices.SortStableFunc(like, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.key, b.key))
	})
	var quoted []string
	for _, c := range like[:min(len(like), 3)] {
		quoted = append(quoted, fmt.Sprintf("%q", c.key))
	}
	return "did you mean " + strings.Join(quoted, " or ") + "? If not, "
}
