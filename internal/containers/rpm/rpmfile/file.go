// Package rpmfile reads RPM package files: headers, payload, digests and signatures. It trusts none
// of what they say about themselves: sizes are limits, names in the payload have to be those of the
// header, and every digest is checked.
package rpmfile

import (
	"bytes"
	"crypto/md5" // old packages have no other digests
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// File is a package file whose headers are read and checked. The payload stays in the file.
type File struct {
	*rpm.Package
	Path   string
	Size   int64
	Signed string // the key that signed it, "" if none was checked

	signature *header.Header
	raw       []byte // the header, with its magic
	payload   int64  // where it begins
}

// The tags of the signature header.
const (
	sigSize        header.Tag = 1000
	sigPGP         header.Tag = 1002
	sigMD5         header.Tag = 1004
	sigGPG         header.Tag = 1005
	sigPayloadSize header.Tag = 1007
	sigDSA         header.Tag = 267
	sigRSA         header.Tag = 268
	sigSHA1        header.Tag = 269
	sigSHA256      header.Tag = 273
)

const leadSize = 96

// Open reads the headers of the package file, and checks their digests and, with keys, their
// signature. The payload's digest is checked by Check.
func Open(path string, keys *Keys) (*File, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f := &File{Path: path}
	if err := f.read(r); err != nil {
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("package %s: %w", path, err))
	}
	if err := f.checkHeader(); err != nil {
		return nil, fault.Wrap(fault.Forbidden, "", fmt.Errorf("package %s: %w", path, err))
	}
	if keys == nil {
		return f, nil
	}
	if f.Signed, err = keys.check(f, r); err != nil {
		return nil, fault.Wrap(fault.Forbidden, "", fmt.Errorf("package %s: %w", path, err))
	}
	return f, nil
}

func (f *File) read(r *os.File) error {
	info, err := r.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("not a file")
	}
	f.Size = info.Size()
	var lead [leadSize]byte
	if _, err := io.ReadFull(r, lead[:]); err != nil || !bytes.HasPrefix(lead[:], []byte{0xed, 0xab, 0xee, 0xdb}) {
		return fmt.Errorf("not an RPM package")
	}
	signature, raw, err := header.Read(r)
	if err != nil {
		return fmt.Errorf("signature %w", err)
	}
	at := leadSize + int64(len(raw))
	pad := (8 - at%8) % 8
	if _, err := io.CopyN(io.Discard, r, pad); err != nil {
		return fmt.Errorf("cut off after the signature: %w", err)
	}
	main, raw, err := header.Read(r)
	if err != nil {
		return err
	}
	f.signature, f.raw, f.payload = signature, raw, at+pad+int64(len(raw))
	if f.Package, err = rpm.New(main); err != nil {
		return err
	}
	if !main.Has(rpm.TagSourceRPM) {
		return fault.New(fault.Usage, "", "%s is a source package", f.Package)
	}
	if format := main.Text(rpm.TagFormat); format != "cpio" && format != "" {
		return fmt.Errorf("its payload is %.50q, not cpio", format)
	}
	return nil
}

// checkHeader compares the header with the digests that the signature header has.
func (f *File) checkHeader() error {
	checked := false
	if want := f.signature.Text(sigSHA256); want != "" {
		sum := sha256.Sum256(f.raw)
		if hex.EncodeToString(sum[:]) != want {
			return fmt.Errorf("the header's SHA-256 digest is wrong")
		}
		checked = true
	}
	if want := f.signature.Text(sigSHA1); want != "" {
		sum := sha1.Sum(f.raw)
		if hex.EncodeToString(sum[:]) != want {
			return fmt.Errorf("the header's SHA-1 digest is wrong")
		}
		checked = true
	}
	if !checked && !f.signature.Has(sigMD5) {
		return fmt.Errorf("it has no digest")
	}
	return nil
}

// Check reads the payload once and compares it with all digests that the package has of it, and with
// those of its files.
func (f *File) Check() error {
	err := f.Walk(func(int, io.Reader) error { return nil })
	if err == nil {
		err = f.checkMD5()
	}
	if err != nil {
		return fault.Wrap(fault.Forbidden, "", fmt.Errorf("package %s: %w", f.Path, err))
	}
	return nil
}

// checkMD5 checks the digest that packages without a newer one have over header and payload.
func (f *File) checkMD5() error {
	want := f.signature.Bytes(sigMD5)
	if f.Header.Has(rpm.TagPayloadDigest) || want == nil {
		return nil
	}
	r, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := r.Seek(f.payload, io.SeekStart); err != nil {
		return err
	}
	sum := md5.New()
	sum.Write(f.raw)
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return fmt.Errorf("the payload's MD5 digest is wrong")
	}
	return nil
}

// moved are the values of the signature header that the database keeps, and their tags there.
var moved = []struct{ from, to header.Tag }{
	{sigSize, 257},
	{sigPGP, 259},
	{sigMD5, 261},
	{sigGPG, 262},
	{sigPayloadSize, 1046},
	{274, 274},
	{275, 275},
	{276, 276},
	{277, 277},
	{sigSHA1, 269},
	{sigSHA256, 273},
	{sigDSA, 267},
	{sigRSA, 268},
	{270, 270},
	{271, 271},
}

// Kept are the values of the signature header that the database keeps.
func (f *File) Kept() (all []header.Value) {
	for _, m := range moved {
		if f.Header.Has(m.to) {
			continue
		}
		if v, ok := f.signature.Value(m.from, m.to); ok {
			all = append(all, v)
		}
	}
	return all
}
