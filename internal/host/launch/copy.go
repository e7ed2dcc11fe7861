package launch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// IsScript reports whether an interpreter runs the file.
func IsScript(f *os.File) bool {
	var magic [2]byte
	n, err := f.ReadAt(magic[:], 0)
	return err == nil && n == len(magic) && string(magic[:]) == "#!"
}

// errSwapped says that the file is no longer the one whose checksum was taken.
var errSwapped = errors.New("it was changed while it was being started")

// privateCopy is a copy of the file, under its name, in a folder that nobody else can write. Files that can't
// be executed by descriptor run from there. The copy must have the checksum.
func privateCopy(spec Spec, folder string) (string, error) {
	path := filepath.Join(folder, filepath.Base(spec.Path))
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o500)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, h), io.NewSectionReader(spec.File, 0, 1<<62))
	if err = errors.Join(err, to.Close()); err != nil {
		return "", err
	}
	if hex.EncodeToString(h.Sum(nil)) != spec.SHA256 {
		return "", fault.Wrap(fault.Forbidden, "try again", errSwapped)
	}
	return path, nil
}
