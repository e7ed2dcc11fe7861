//go:build linux

package userland

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

func gzipCommand(p *Proc) int {
	f, names, ok := p.options("dckfnqv123456789", "decompress=d", "uncompress=d", "stdout=c", "keep=k", "force=f", "best=9", "fast=1",
		"no-name=n")
	if !ok {
		return 1
	}
	decompress := f.has('d') || p.Name != "gzip"
	filter := func(w io.Writer, r io.Reader) error {
		if decompress {
			z, err := gzip.NewReader(r)
			if err != nil {
				return err
			}
			_, err = io.Copy(w, z)
			return err
		}
		z := gzip.NewWriter(w)
		_, err := io.Copy(z, r)
		return errors.Join(err, z.Close())
	}
	if len(names) == 0 || f.has('c') || p.Name == "zcat" {
		return p.inputs(names, func(_ string, r io.Reader) error { return filter(p.Out, r) })
	}
	status := 0
	for _, name := range names {
		to := name + ".gz"
		if decompress {
			base, found := strings.CutSuffix(name, ".gz")
			if !found {
				if base, found = strings.CutSuffix(name, ".tgz"); !found {
					status = p.failf("%s: unknown suffix -- ignored", name)
					continue
				}
				base += ".tar"
			}
			to = base
		}
		if err := replaceFile(p.Path(name), p.Path(to), filter, f.has('k'), f.has('f')); err != nil {
			status = p.Fail(err)
		}
	}
	return status
}

func replaceFile(from, to string, filter func(io.Writer, io.Reader) error, keep, force bool) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	out, err := os.OpenFile(to, flags, st.Mode().Perm())
	if err != nil {
		return err
	}
	if err := errors.Join(filter(out, in), out.Close()); err != nil {
		_ = os.Remove(to)
		return err
	}
	if keep {
		return nil
	}
	return os.Remove(from)
}

// decompressed tells gzip, zstd and plain data apart.
func decompressed(r io.Reader) (io.Reader, func(), error) {
	b := bufio.NewReaderSize(r, 1<<16)
	head, _ := b.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		return z, func() {}, err
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}
