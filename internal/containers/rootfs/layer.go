package rootfs

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The limits of one layer.
const (
	maxEntries = 3_000_000
	maxBytes   = 256 << 30 // unpacked
	maxWindow  = 128 << 20
	maxKept    = 2 << 30 // of a file that is kept, such as a package database
)

// layer is one layer that was read.
type layer struct {
	file    string // its compressed bytes
	entries map[string]*Entry
	gone    map[string]bool // whiteouts
	opaque  map[string]bool
	kept    map[string]string // files at hand, by path

	children map[string][]string // names in a folder
}

// index fetches a layer into the cache and lists its entries.
func (c *Cache) index(ctx context.Context, from v1.Layer, digest v1.Hash) (_ *layer, err error) {
	packed, err := from.Compressed()
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	base := filepath.Join(c.dir, digest.Hex)
	spool, err := os.Create(base)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	counted := &counter{r: &cancellable{ctx, packed}}
	tee := io.TeeReader(counted, spool)
	l := &layer{
		file: base, entries: map[string]*Entry{}, gone: map[string]bool{}, opaque: map[string]bool{}, kept: map[string]string{},
		children: map[string][]string{},
	}
	if err := l.list(tee, c.keep); err != nil {
		return nil, err
	}
	// The compressed layer's digest is checked at its end, which may be after the archive's.
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.read += counted.n
	c.mu.Unlock()
	return l, nil
}

// cancellable is a reader that ends with its context.
type cancellable struct {
	ctx context.Context //nolint:containedctx // a reader has no other way
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err //nolint:wrapcheck // io.EOF has to stay so
}

// unpack finds out how a layer is compressed.
func unpack(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	start, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	case bytes.Equal(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(b), nil
}

func (l *layer) list(r io.Reader, keep func(string) bool) error {
	plain, err := unpack(r)
	if err != nil {
		return err
	}
	defer plain.Close()
	limited := &io.LimitedReader{R: plain, N: maxBytes}
	archive := tar.NewReader(limited)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = l.add(h, archive, keep)
		}
		if err != nil {
			return err
		}
		if len(l.entries)+len(l.gone) > maxEntries {
			return fmt.Errorf("more than %d files", maxEntries)
		}
	}
	_, err = io.Copy(io.Discard, limited)
	if limited.N <= 0 {
		return fmt.Errorf("more than %d GiB", maxBytes>>30)
	}
	return err
}

const whiteout = ".wh."

func (l *layer) add(h *tar.Header, content io.Reader, keep func(string) bool) error {
	p := path.Join("/", h.Name) //nolint:gosec // nothing is written there
	folder, name := path.Split(p)
	switch {
	case name == whiteout+whiteout+".opq":
		l.opaque[path.Clean(folder)] = true
		return nil
	case strings.HasPrefix(name, whiteout+whiteout):
		return nil // what a storage driver keeps for itself
	case strings.HasPrefix(name, whiteout):
		l.gone[path.Join(folder, name[len(whiteout):])] = true
		return nil
	}
	e := &Entry{
		Path: p, Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Size: h.Size, Link: h.Linkname, ModTime: h.ModTime,
		Xattrs: xattrs(h), layer: l, at: p,
	}
	if e.Type == tar.TypeLink {
		target := l.entries[path.Join("/", h.Linkname)] //nolint:gosec // nothing is written there
		if target == nil {
			return fmt.Errorf("%s: the file that it links to isn't in the layer", p)
		}
		linked := *target
		linked.Path = p
		e = &linked
	}
	if h.Typeflag == tar.TypeReg {
		if err := l.content(e, content, keep); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	if l.entries[p] == nil {
		l.enlist(p)
	}
	l.entries[p] = e
	return nil
}

// enlist notes the path as a child of its folder, and that one of its own.
func (l *layer) enlist(p string) {
	for p != "/" {
		folder, name := path.Dir(p), path.Base(p)
		known := len(l.children[folder]) > 0 || l.entries[folder] != nil
		l.children[folder] = append(l.children[folder], name)
		if known {
			return
		}
		p = folder
	}
}

// content reads a file for its digest, and keeps it where it is wanted.
func (l *layer) content(e *Entry, r io.Reader, keep func(string) bool) error {
	sum := sha256.New()
	w := io.Writer(sum)
	if keep(e.Path) {
		if e.Size > maxKept {
			return fmt.Errorf("%d bytes, more than %d GiB", e.Size, maxKept>>30)
		}
		f, err := os.Create(l.file + "." + strconv.Itoa(len(l.kept)))
		if err != nil {
			return err
		}
		defer f.Close()
		l.kept[e.Path] = f.Name()
		w = io.MultiWriter(sum, f)
	}
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	e.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return nil
}

func xattrs(h *tar.Header) map[string]string {
	const prefix = "SCHILY.xattr."
	var all map[string]string
	for k, v := range h.PAXRecords {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			if all == nil {
				all = map[string]string{}
			}
			all[name] = v
		}
	}
	return all
}

// look tells what the layer says of the path. known is false where it says nothing.
func (l *layer) look(p string) (e *Entry, known bool) {
	if e := l.entries[p]; e != nil {
		return e, true
	}
	if l.gone[p] {
		return nil, true
	}
	for a := range ancestors(p) {
		above := l.entries[a]
		if l.gone[a] || l.opaque[a] || above != nil && !above.Folder() {
			return nil, true
		}
	}
	return nil, l.opaque["/"]
}

// extract reads the layer again, up to the file.
func (l *layer) extract(p string, w io.Writer) error {
	f, err := os.Open(l.file)
	if err != nil {
		return err
	}
	defer f.Close()
	plain, err := unpack(f)
	if err != nil {
		return err
	}
	defer plain.Close()
	archive := tar.NewReader(plain)
	for {
		h, err := archive.Next()
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if path.Join("/", h.Name) == p && h.Typeflag == tar.TypeReg { //nolint:gosec // nothing is written there
			_, err := io.Copy(w, archive) //nolint:gosec // list limited it
			return err
		}
	}
}
