package layout

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func (a *archive) write(name string, size int64, body io.Reader) error {
	p, err := a.reserve(name, size)
	if err != nil || p.whole {
		return err
	}
	_, err = io.Copy(io.NewOffsetWriter(a.file, p.at), body)
	a.mu.Lock()
	defer a.mu.Unlock()
	p.busy, p.whole = false, err == nil
	return disk.Explain(a.path, err)
}

// reserve finds a place for the file.
func (a *archive) reserve(name string, size int64) (*part, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.path == "" {
		return nil, fault.New(fault.Conflict, "choose another name, or delete it", "%s is there already, with other images", a.file.Name())
	}
	if p := a.parts[name]; p != nil && p.size == size {
		if p.busy {
			return nil, fault.New(fault.Conflict, "", "%s is written twice at once", name)
		}
		p.busy = !p.whole
		return p, nil
	}
	at, err := a.header(a.end, name, size)
	if err != nil {
		return nil, disk.Explain(a.path, err)
	}
	p := &part{at: at, size: size, busy: true}
	end := at + (size+block-1)/block*block
	if err := a.file.Truncate(end); err != nil {
		return nil, disk.Explain(a.path, err)
	}
	a.parts[name], a.end = p, end
	return p, nil
}

// header writes a file's header and gives the place behind it.
func (a *archive) header(at int64, name string, size int64) (int64, error) {
	var b bytes.Buffer
	h := &tar.Header{Name: name, Size: size, Mode: 0o644, Typeflag: tar.TypeReg, Format: tar.FormatGNU}
	if err := tar.NewWriter(&b).WriteHeader(h); err != nil {
		return 0, err
	}
	_, err := a.file.WriteAt(b.Bytes(), at)
	return at + int64(b.Len()), err
}

// index ends the archive: it gets its lists and its name.
func (a *archive) index(lists map[string][]byte) error {
	if a.path == "" {
		return nil
	}
	for name, p := range a.parts {
		// What was begun and isn't needed gets a name that no reader looks for.
		if !p.whole || lists[name] != nil {
			if _, err := a.header(p.at-block, fmt.Sprintf("unused/%d", p.at), p.size); err != nil {
				return disk.Explain(a.path, err)
			}
			delete(a.parts, name)
		}
	}
	for _, name := range sorted(lists) {
		if err := a.write(name, int64(len(lists[name])), bytes.NewReader(lists[name])); err != nil {
			return err
		}
	}
	if err := a.file.Truncate(a.end + 2*block); err != nil { // two empty blocks are a tar file's end
		return disk.Explain(a.path, err)
	}
	if err := a.file.Sync(); err != nil {
		return disk.Explain(a.path, err)
	}
	err := os.Rename(a.path+partSuffix, a.path)
	a.done = err == nil
	return disk.Explain(a.path, err)
}
