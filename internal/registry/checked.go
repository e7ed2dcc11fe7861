package registry

import (
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Checked reads what the descriptor describes. Size and digest are checked: a reader that gives io.EOF
// has given all of it. Of what is corrupt, the last bytes aren't given: whoever has them all may use them
// before the error comes. what names it in errors.
func Checked(body io.ReadCloser, what string, d Descriptor) (io.ReadCloser, error) {
	sum, err := newHash(d.Digest)
	if err != nil {
		return nil, err
	}
	return &checked{ReadCloser: body, what: what, d: d, sum: sum}, nil
}

type checked struct {
	io.ReadCloser
	what string
	d    Descriptor
	sum  hash.Hash
	at   int64
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.at += int64(n)
	c.sum.Write(p[:n])
	switch {
	case c.at > c.d.Size:
		return 0, fault.New(fault.Internal, "", "%s: corrupt: it is longer than its %d bytes", c.what, c.d.Size)
	case c.at < c.d.Size && errors.Is(err, io.EOF):
		return n, fault.New(fault.Internal, "", "%s: corrupt: it has %d of its %d bytes", c.what, c.at, c.d.Size)
	case c.at < c.d.Size:
		return n, err
	}
	if got := hex.EncodeToString(c.sum.Sum(nil)); got != c.d.Digest[len(c.d.Digest)-len(got):] {
		return 0, fault.New(fault.Internal, "", "%s: corrupt: its digest is %s", c.what, got)
	}
	return n, err
}
