package upload

import (
	"crypto/md5" // stores have it of their objects
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Sums are checksums of the same data: lower-case hexadecimal by algorithm.
type Sums map[string]string

var algorithms = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// ParseSums reads checksums that are written as "sha256:ab12…".
func ParseSums(texts ...string) (Sums, error) {
	sums := Sums{}
	for _, text := range texts {
		algorithm, sum, found := strings.Cut(text, ":")
		if !found {
			return nil, fault.New(fault.Usage, `write it as "sha256:" and the sum`, "checksum %q names no algorithm", text)
		}
		if err := sums.Add(algorithm, sum); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// Add adds a checksum. It refuses one that isn't one of its algorithm, or contradicts another.
func (s Sums) Add(algorithm, sum string) error {
	algorithm, sum = strings.ToLower(strings.TrimSpace(algorithm)), strings.ToLower(strings.TrimSpace(sum))
	begin, known := algorithms[algorithm]
	if !known {
		return fault.New(fault.Usage, "", "checksum algorithm %q is none of %s", algorithm,
			strings.Join(slices.Sorted(maps.Keys(algorithms)), ", "))
	}
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != begin().Size() {
		return fault.New(fault.Usage, "", "%q is no %s: that is %d hexadecimal digits", sum, algorithm, 2*begin().Size())
	}
	if have := s[algorithm]; have != "" && have != sum {
		return fault.New(fault.Conflict, "", "there are two different checksums by %s: %s and %s", algorithm, have, sum)
	}
	s[algorithm] = sum
	return nil
}

// Best is the strongest of the checksums, as "sha256:ab12…"; "" if there is none.
func (s Sums) Best() string {
	for _, algorithm := range []string{"sha512", "sha384", "sha256", "sha224", "sha1", "md5"} {
		if sum := s[algorithm]; sum != "" {
			return algorithm + ":" + sum
		}
	}
	return ""
}

// Compare compares checksums of what should be the same data: known reports whether both have one by the
// same algorithm, and differs says which one differs, "" if none does.
func (s Sums) Compare(other Sums) (known bool, differs string) {
	for _, algorithm := range slices.Sorted(maps.Keys(s)) {
		sum, found := other[algorithm]
		if !found {
			continue
		}
		if known = true; sum != s[algorithm] {
			return true, algorithm
		}
	}
	return known, ""
}

// hashes compute several checksums at once.
type hashes map[string]hash.Hash

func newHashes(names ...string) hashes {
	h := hashes{}
	for _, name := range names {
		h[name] = algorithms[name]()
	}
	return h
}

func (h hashes) write(b []byte) {
	for _, one := range h {
		_, _ = one.Write(b) // it never fails
	}
}

func (h hashes) sums() Sums {
	s := Sums{}
	for name, one := range h {
		s[name] = hex.EncodeToString(one.Sum(nil))
	}
	return s
}
