package imagetree

import (
	"archive/tar"
	"errors"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// The bounds of one layer.
const (
	maxEntries = 4_000_000
	maxKept    = 1 << 20
)

// kept are the files whose contents answers need.
var kept = map[string]bool{"etc/passwd": true, "etc/group": true}

// index is what one layer says.
type index struct {
	entries map[string]Entry
	removed map[string]bool // with all that lies below, in the layers underneath
	emptied map[string]bool // what lies below in the layers underneath
}

// hides reports whether the layer removes the path from the layers underneath, or puts something
// that is no folder where one of its folders was.
func (i *index) hides(name string) bool {
	if i.removed[name] {
		return true
	}
	for at := path.Dir(name); at != "."; at = path.Dir(at) {
		if i.removed[at] || i.emptied[at] {
			return true
		}
		if e, ok := i.entries[at]; ok && !e.IsDir() {
			return true
		}
	}
	return i.emptied["."]
}

func readIndex(l v1.Layer) (*index, error) {
	body, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	i := &index{entries: map[string]Entry{}, removed: map[string]bool{}, emptied: map[string]bool{}}
	archive := tar.NewReader(body)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			// Only at its end is a blob's digest known to be right.
			_, err := io.Copy(io.Discard, body)
			return i, err
		}
		if err != nil {
			return nil, err
		}
		if len(i.entries)+len(i.removed)+len(i.emptied) >= maxEntries {
			return nil, fault.New(fault.Usage, "", "it has more than %d files", maxEntries)
		}
		if err := i.add(h, archive); err != nil {
			return nil, err
		}
	}
}

func (i *index) add(h *tar.Header, body io.Reader) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	folder, base := path.Split(name)
	folder = path.Clean(folder)
	switch {
	case name == "":
		return nil
	case base == ".wh..wh..opq":
		i.emptied[folder] = true
		return nil
	case strings.HasPrefix(base, ".wh."):
		i.removed[path.Join(folder, strings.TrimPrefix(base, ".wh."))] = true
		return nil
	}
	e := Entry{Type: h.Typeflag, Link: h.Linkname}
	if e.IsDir() {
		e.Folder = &tar.Header{
			Typeflag: tar.TypeDir, Mode: h.Mode, Uid: h.Uid, Gid: h.Gid, ModTime: h.ModTime, PAXRecords: h.PAXRecords,
		}
	}
	if h.Typeflag == tar.TypeLink { // the same as what it names, which came before
		target := strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")
		e = i.entries[target]
		if e.Type == 0 {
			e.Type = tar.TypeReg
		}
	}
	if kept[name] && h.Typeflag == tar.TypeReg {
		data, err := io.ReadAll(io.LimitReader(body, maxKept+1))
		if err != nil {
			return err
		}
		if len(data) > maxKept {
			return fault.New(fault.Usage, "", "its /%s is larger than %d KiB", name, maxKept>>10)
		}
		e.data = data
	}
	i.entries[name] = e
	return nil
}
