package host

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// state is what an instance keeps from boot to boot outside its root file system, so that no snapshot carries it.
type state struct {
	HostKeys []string // PEM
	Booted   bool
}

// loadState answers the state as it was at the last boot and notes that there has been one.
func loadState(dir string) (state, error) {
	file := filepath.Join(dir, "state")
	var st state
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &st)
	} else if errors.Is(err, fs.ErrNotExist) {
		st.HostKeys, err = newHostKeys()
	}
	if err != nil {
		return state{}, fmt.Errorf("reading the state of the instance in %q: %w", dir, err)
	}
	next := st
	next.Booted = true
	if b, err = json.Marshal(next); err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		return state{}, fmt.Errorf("writing the state of the instance in %q: %w", dir, err)
	}
	return st, nil
}

// newHostKeys makes the keys of an instance's SSH server. An RSA key would take longer than the whole boot.
func newHostKeys() ([]string, error) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, k := range []crypto.PrivateKey{ed, ec} {
		block, err := ssh.MarshalPrivateKey(k, "")
		if err != nil {
			return nil, err
		}
		keys = append(keys, string(pem.EncodeToMemory(block)))
	}
	return keys, nil
}

// Remove deletes an instance folder, even if its guest made folders that their own owner may not write to.
func Remove(dir string) error {
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing instance folder %q: %w", dir, err)
	}
	return nil
}
