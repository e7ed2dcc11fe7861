package registry_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// A registry that gets all bytes of a corrupt blob answers at once, and may be the first to say what is wrong.
func TestTheLastBytesOfWhatIsCorruptArentGiven(t *testing.T) {
	t.Parallel()
	const text = "the right text"
	d := registry.Descriptor{Digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))), Size: int64(len(text))}
	for sent, whole := range map[string]bool{text: true, "the wrong text": false} {
		for name, read := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with its end": iotest.DataErrReader,
		} {
			body, err := registry.Checked(io.NopCloser(read(strings.NewReader(sent))), "blob", d)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			_, err = io.Copy(&got, body)
			if (err == nil) != whole || (got.String() == sent) != whole {
				t.Errorf("%q %s: it gave %q, %v", sent, name, &got, err)
			}
		}
	}
}
