package layout

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
)

// archive is a layout in a tar file. While it is written it has another name, and blobs arrive side by
// side: each has its place from the begin on, as its size is known. What a killed run has left is used
// by the next one, after its digests were checked.
type archive struct {
	file *os.File
	path string // of the whole file; "" for one that is only read

	mu    sync.Mutex
	end   int64
	parts map[string]*part
	done  bool // it has its name, or is closed
}

// part is one file of the archive.
type part struct {
	at, size int64
	whole    bool
	busy     bool
}

const (
	block      = 512
	partSuffix = ".partial"
	maxParts   = 1_000_000
)

func createArchive(path string) (*archive, error) {
	f, err := ownPartial(path)
	if err != nil {
		return nil, err
	}
	a := &archive{file: f, path: path, parts: map[string]*part{}}
	if err := a.scan(); err != nil {
		// What follows the last good header can't be used.
		if err := f.Truncate(a.end); err != nil {
			f.Close()
			return nil, disk.Explain(path, err)
		}
	}
	for name, p := range a.parts {
		p.whole = strings.HasPrefix(name, "blobs/") && a.check(name, p)
	}
	return a, nil
}

// ownPartial opens the unfinished file, for this process alone. A link in its place is refused: in a folder that others
// can write to, it may lead to any file of the user's.
func ownPartial(path string) (*os.File, error) {
	name := path + partSuffix
	for {
		if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
			return nil, fault.New(fault.Conflict, "remove it, or choose another name", "%s is not a regular file", name)
		}
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|disk.NoFollow, 0o644)
		if err != nil {
			return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("writing %s: %w", path, err))
		}
		if err := disk.Own(f); err != nil {
			f.Close()
			return nil, err
		}
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if now, err := os.Lstat(name); err == nil && os.SameFile(mine, now) {
			return f, nil
		}
		disk.Unlock(f) // whoever owned it before has removed it or given it its name
	}
}

func openArchive(path string) (*archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	a := &archive{file: f, parts: map[string]*part{}}
	if err := a.scan(); err != nil {
		f.Close()
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("image layout %s: no whole tar file: %w", path, err))
	}
	for _, p := range a.parts {
		p.whole = true // as far as it goes: blobs are checked when they are read
	}
	return a, nil
}

// scan finds the parts. end is behind the last one that could be read.
func (a *archive) scan() error {
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	info, err := a.file.Stat()
	if err != nil {
		return err
	}
	t := tar.NewReader(a.file)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		at, err := a.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		end := at + (h.Size+block-1)/block*block
		if end > info.Size() && a.path == "" {
			return io.ErrUnexpectedEOF
		}
		if len(a.parts) >= maxParts {
			return fmt.Errorf("more than %d files", maxParts)
		}
		if h.Typeflag == tar.TypeReg {
			a.parts[strings.TrimPrefix(filepath.ToSlash(filepath.Clean(h.Name)), "/")] = &part{at: at, size: h.Size}
		}
		a.end = end
	}
}

// check reads a blob and compares its digest.
func (a *archive) check(name string, p *part) bool {
	algorithm, sum, _ := strings.Cut(strings.TrimPrefix(name, "blobs/"), "/")
	h := map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New}[algorithm]
	if h == nil {
		return false
	}
	got := h()
	n, err := io.Copy(got, io.NewSectionReader(a.file, p.at, p.size))
	return err == nil && n == p.size && hex.EncodeToString(got.Sum(nil)) == sum
}

func (a *archive) open(name string) (io.ReadCloser, int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.parts[name]
	if p == nil || !p.whole {
		return nil, 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(a.file, p.at, p.size)), p.size, nil
}

// lock has nothing to do: whoever writes an archive owns it.
func (*archive) lock(context.Context) (unlock func(), err error) { return func() {}, nil }

func (a *archive) free() (int64, error) {
	if a.path == "" {
		return 0, errors.ErrUnsupported
	}
	return disk.Free(filepath.Dir(a.path))
}

// close leaves no unfinished file in which nothing is whole.
func (a *archive) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	whole := func(name string) bool { return a.parts[name].whole }
	if a.path != "" && !a.done && !slices.ContainsFunc(sorted(a.parts), whole) {
		_ = os.Remove(a.path + partSuffix)
	}
	a.done = true // from now on, others may write it
	filelock.Unlock(a.file)
	return a.file.Close()
}
