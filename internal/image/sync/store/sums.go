package store

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
)

// Distribution is a folder of a web server with a file of checksums, such as SHA256SUMS.
type Distribution struct {
	Get       *Getter
	Sums      string // address of the checksums
	Signature string // address of the signature; "" is Sums with .gpg behind it
	Keys      []byte // armored or not; without them no signature is needed
	Images    []Pick
}

// Pick is a file that is wanted.
type Pick struct {
	File       string // exact, or a pattern (* and ?) that one file matches
	Name       string // of the image
	Properties map[string]string
}

// Offers implements Store.
func (d *Distribution) Offers(ctx context.Context) ([]*Offer, error) {
	text, err := d.Get.get(ctx, d.Sums, maxText)
	if err != nil {
		return nil, err
	}
	if len(d.Keys) > 0 {
		if err := d.signed(ctx, text); err != nil {
			return nil, err
		}
	}
	list, err := readSums(d.Sums, text)
	if err != nil {
		return nil, err
	}
	folder, _, _ := strings.Cut(d.Sums, "?")
	folder = folder[:strings.LastIndex(folder, "/")]
	var offers []*Offer
	for _, p := range d.Images {
		file, sums, err := pick(list, p.File)
		o := &Offer{Name: p.Name, From: upload.Shown(folder), Problem: err}
		if err == nil {
			o.Release, o.Source = sums.Best(), d.Get.Web(joinPath(folder, file))
			o.Release = short(o.Release)
			o.Source.Sums = sums
		}
		o.Image.Properties = p.Properties
		offers = append(offers, o)
	}
	return checked(offers), nil
}

// short is a checksum that people can compare.
func short(sum string) string { return sum[:min(len(sum), len("sha256:")+12)] }

func joinPath(folder, file string) string { return join(folder, strings.Split(file, "/")...) }

// signed checks the signature of the checksums.
func (d *Distribution) signed(ctx context.Context, text []byte) error {
	address := d.Signature
	if address == "" {
		address = d.Sums + ".gpg"
	}
	signature, err := d.Get.get(ctx, address, maxFields)
	if err != nil {
		return err
	}
	ring, err := keyRing(d.Keys)
	if err != nil {
		return err
	}
	check := openpgp.CheckDetachedSignature
	if bytes.HasPrefix(bytes.TrimSpace(signature), []byte("-----BEGIN")) {
		check = openpgp.CheckArmoredDetachedSignature
	}
	if _, err := check(ring, bytes.NewReader(text), bytes.NewReader(signature), nil); err != nil {
		return fault.New(fault.Forbidden, "check that the key is the publisher's", "%s is not signed by the given key: %w",
			upload.Shown(d.Sums), err)
	}
	return nil
}

func keyRing(keys []byte) (openpgp.EntityList, error) {
	read := openpgp.ReadKeyRing
	if bytes.Contains(keys, []byte("-----BEGIN PGP")) {
		read = openpgp.ReadArmoredKeyRing
	}
	ring, err := read(bytes.NewReader(keys))
	if err != nil || len(ring) == 0 {
		return nil, fault.New(fault.Usage, "", "the key can't be read: %w", err)
	}
	return ring, nil
}

// sumLine is a line of sha256sum and its like, or of BSD's.
var (
	sumLine = regexp.MustCompile(`^([0-9a-fA-F]{32,128}) [ *](\S.*)$`)
	bsdLine = regexp.MustCompile(`^([A-Z0-9]+) \((.+)\) = ([0-9a-fA-F]{32,128})$`)
)

var byLength = map[int]string{32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}

// readSums reads a file of checksums: by file.
func readSums(where string, text []byte) (map[string]upload.Sums, error) {
	list := map[string]upload.Sums{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		var algorithm, sum, file string
		if m := sumLine.FindStringSubmatch(line); m != nil {
			algorithm, sum, file = byLength[len(m[1])], m[1], strings.TrimPrefix(m[2], "./")
		} else if m := bsdLine.FindStringSubmatch(line); m != nil {
			algorithm, sum, file = m[1], m[3], strings.TrimPrefix(m[2], "./")
		} else {
			continue
		}
		if list[file] == nil {
			list[file] = upload.Sums{}
		}
		if err := list[file].Add(algorithm, sum); err != nil {
			return nil, fault.New(fault.Forbidden, "", "%s, file %q: %w", upload.Shown(where), file, err)
		}
	}
	if len(list) == 0 {
		return nil, fault.New(fault.Forbidden, "", "%s has no checksums", upload.Shown(where))
	}
	return list, nil
}

// pick is the one file of a list that a pattern matches.
func pick(list map[string]upload.Sums, pattern string) (string, upload.Sums, error) {
	var found []string
	for file := range list {
		if ok, err := path.Match(pattern, file); file == pattern || ok && err == nil {
			found = append(found, file)
		}
	}
	switch {
	case len(found) == 0:
		return "", nil, fault.New(fault.NotFound, "", "there is no checksum of a file %q", pattern)
	case len(found) > 1:
		return "", nil, fault.New(fault.Ambiguous, "", "%d files match %q", len(found), pattern)
	}
	for segment := range strings.SplitSeq(found[0], "/") {
		if err := checkSegment("file", segment); err != nil {
			return "", nil, err
		}
	}
	return found[0], list[found[0]], nil
}
