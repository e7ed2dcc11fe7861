package rpmfile

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"crypto/md5" // old packages have no other digests
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
)

// maxWindow is how much memory a payload's compression may want.
const maxWindow = 128 << 20

// hashes are the digests as OpenPGP numbers them.
var hashes = map[int]func() hash.Hash{1: md5.New, 2: sha1.New, 8: sha256.New, 9: sha512.New384, 10: sha512.New, 11: sha256.New224}

// NewHash makes the digest that OpenPGP numbers so; nil if it is unknown.
func NewHash(algorithm int) hash.Hash {
	if f := hashes[algorithm]; f != nil {
		return f()
	}
	return nil
}

// Walk calls do for each file that the payload has, with its place among the package's files and
// its content. Of hard links, one has the content, and the others none. At the end, the payload's
// and all files' digests are right, else it fails.
func (f *File) Walk(do func(n int, content io.Reader) error) error {
	r, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := r.Seek(f.payload, io.SeekStart); err != nil {
		return err
	}
	packed, err := f.digest(r, f.Header.Strings(rpm.TagPayloadDigest))
	if err != nil {
		return err
	}
	open, err := decompress(f.Header.Text(rpm.TagCompressor), packed.reader)
	if err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	defer open.Close()
	plain, err := f.digest(open, f.Header.Strings(rpm.TagPayloadDigestAlt))
	if err != nil {
		return err
	}
	if err := f.unpack(plain.reader, do); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	// What comes after the archive's end is padding, and not more of it than a block.
	if n, err := io.Copy(io.Discard, io.LimitReader(plain.reader, maxTrailing+1)); err != nil || n > maxTrailing {
		return fmt.Errorf("payload: %d bytes after its end: %w", n, errors.Join(err))
	}
	if _, err := io.Copy(io.Discard, packed.reader); err != nil {
		return err
	}
	if err := packed.check("payload"); err != nil {
		return err
	}
	return plain.check("uncompressed payload")
}

const maxTrailing = 1 << 20

// digested is a stream whose digest is known.
type digested struct {
	reader io.Reader
	sum    hash.Hash
	want   []string
}

func (f *File) digest(r io.Reader, want []string) (*digested, error) {
	if len(want) == 0 {
		return &digested{reader: r}, nil
	}
	sum := NewHash(int(f.Header.Int(rpm.TagPayloadDigestAlgo)))
	if sum == nil {
		return nil, fmt.Errorf("the payload's digest is of kind %d, which is unknown", f.Header.Int(rpm.TagPayloadDigestAlgo))
	}
	return &digested{io.TeeReader(r, sum), sum, want}, nil
}

func (d *digested) check(what string) error {
	if d.sum != nil && hex.EncodeToString(d.sum.Sum(nil)) != d.want[0] {
		return fmt.Errorf("the %s's digest is wrong", what)
	}
	return nil
}

func decompress(kind string, r io.Reader) (io.ReadCloser, error) {
	switch kind {
	case "", "gzip":
		b := bufio.NewReader(r)
		if start, err := b.Peek(2); err == nil && !bytes.Equal(start, []byte{0x1f, 0x8b}) {
			return io.NopCloser(b), nil // one that isn't compressed says nothing
		}
		return gzip.NewReader(b)
	case "bzip2":
		return io.NopCloser(bzip2.NewReader(r)), nil
	case "xz":
		x, err := xz.ReaderConfig{DictCap: maxWindow}.NewReader(bufio.NewReader(r))
		return io.NopCloser(x), err
	case "lzma":
		x, err := lzma.ReaderConfig{DictCap: maxWindow}.NewReader(bufio.NewReader(r))
		return io.NopCloser(x), err
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case "none", "identity":
		return io.NopCloser(r), nil
	}
	return nil, fmt.Errorf("its compression is %.50q", kind)
}
