package watch

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
)

// former is what packuilon has left in the cache folder: the index as it was last, and the profiles that have changed
// since it was first run.
type former struct {
	cache string
	marks map[string]string
}

// readFormer is nil if packuilon hasn't used the folder.
func readFormer(cache string) (*former, error) {
	path := filepath.Join(cache, "cached_info.xml")
	text, err := readFile(path, maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := parseIndex(path, text)
	if err != nil {
		return nil, err
	}
	f := &former{cache, map[string]string{}}
	for _, l := range all {
		f.marks[l.name] = l.mark
	}
	return f, nil
}

// has tells whether packuilon has sent this content last.
func (f *former) has(name, digest string, skip func([]string) bool) bool {
	if f == nil {
		return false
	}
	path := filepath.Join(f.cache, name)
	text, err := readFile(path, maxProfile)
	if err != nil {
		return false
	}
	d, err := profile.ParseDocument(path, text)
	if err != nil {
		return false
	}
	was, err := d.Digest(skip)
	return err == nil && was == digest
}
