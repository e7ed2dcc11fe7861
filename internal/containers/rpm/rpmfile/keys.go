package rpmfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ProtonMail/go-crypto/openpgp"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Keys are the public keys of those who may sign packages.
type Keys struct{ ring openpgp.EntityList }

const maxKeyFile = 1 << 20

// ReadKeys reads OpenPGP public keys, armored or binary, from files. No files are no keys: nil.
func ReadKeys(files []string) (*Keys, error) {
	if len(files) == 0 {
		return nil, nil //nolint:nilnil // no keys are asked for
	}
	k := &Keys{}
	for _, file := range files {
		if err := k.add(file); err != nil {
			return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("key file %s: %w", file, err))
		}
	}
	return k, nil
}

func (k *Keys) add(file string) error {
	r, err := os.Open(file)
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxKeyFile {
		return fmt.Errorf("larger than %d bytes", maxKeyFile)
	}
	list, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
	if err != nil {
		list, err = openpgp.ReadKeyRing(bytes.NewReader(text))
	}
	if err != nil {
		return fmt.Errorf("not OpenPGP public keys: %w", err)
	}
	if len(list) == 0 {
		return errors.New("it has no keys")
	}
	k.ring = append(k.ring, list...)
	return nil
}

// check finds the key that signed the package: its header, which has the payload's digest, or header
// and payload.
func (k *Keys) check(f *File, r *os.File) (string, error) {
	signed := false
	for _, tag := range []header.Tag{sigRSA, sigDSA} {
		signature := f.signature.Bytes(tag)
		if signature == nil {
			continue
		}
		signed = true
		if f.Header.Has(payloadDigest) {
			return k.verify(bytes.NewReader(f.raw), signature)
		}
	}
	for _, tag := range []header.Tag{sigPGP, sigGPG} {
		if signature := f.signature.Bytes(tag); signature != nil {
			if _, err := r.Seek(f.payload, io.SeekStart); err != nil {
				return "", err
			}
			return k.verify(io.MultiReader(bytes.NewReader(f.raw), r), signature)
		}
	}
	if signed {
		return "", errors.New("its signature doesn't cover its payload")
	}
	return "", errors.New("it isn't signed")
}

const payloadDigest header.Tag = 5092

func (k *Keys) verify(signed io.Reader, signature []byte) (string, error) {
	by, err := openpgp.CheckDetachedSignature(k.ring, signed, bytes.NewReader(signature), &packet.Config{})
	if err != nil {
		if errors.Is(err, pgperrors.ErrUnknownIssuer) {
			return "", errors.New("it is signed by a key that isn't among the ones given")
		}
		return "", fmt.Errorf("its signature is wrong: %w", err)
	}
	return fmt.Sprintf("%X", by.PrimaryKey.Fingerprint), nil
}
