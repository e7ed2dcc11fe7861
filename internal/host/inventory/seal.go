package inventory

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
)

const keySize = 32

// seal authenticates these contents with the key.
func (f cacheFile) seal(key []byte) []byte {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%d %s", len(f.Host), f.Host)
	h.Write(f.Plugins)
	return h.Sum(nil)
}

// readKey reads the user's key, which nobody else may read or write.
func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(discover.SafeFile(f), discover.SafeFolder(filepath.Dir(path))); err != nil {
		return nil, err
	}
	key := make([]byte, keySize)
	if _, err := io.ReadFull(f, key); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, errors.Join(err, fs.ErrPermission)
	}
	return key, nil
}

// makeKey reads the user's key, or makes it if there is none.
func makeKey(path string) ([]byte, error) {
	if key, err := readKey(path); err == nil || !errors.Is(err, fs.ErrNotExist) || path == "" {
		return key, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // of mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	_, err = f.Write(key)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil { // whoever comes first has made it
		return readKey(path)
	}
	return key, nil
}
