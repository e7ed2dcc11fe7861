package registry

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

func newHash(digest string) (hash.Hash, error) {
	algorithm, sum, _ := strings.Cut(digest, ":")
	h := map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New}[algorithm]
	if h == nil {
		return nil, fmt.Errorf("digest %.100q: only sha256 and sha512 can be checked", digest)
	}
	made := h()
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != made.Size() || strings.ToLower(sum) != sum {
		return nil, fmt.Errorf("%.150q is no digest", digest)
	}
	return made, nil
}

func digestOf(algorithm string, text []byte) (string, error) {
	switch algorithm {
	case "sha256":
		sum := sha256.Sum256(text)
		return "sha256:" + hex.EncodeToString(sum[:]), nil
	case "sha512":
		sum := sha512.Sum512(text)
		return "sha512:" + hex.EncodeToString(sum[:]), nil
	}
	return "", fmt.Errorf("digests of %.20q can't be checked", algorithm)
}
