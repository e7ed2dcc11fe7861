package header_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
)

// small is a header with a region of one text.
func small() []byte {
	var b []byte
	for _, n := range []uint32{2, 4 + 16, 63, 7, 4, 16, 1000, 6, 0, 1} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	b = append(b, "abc\x00"...)
	for _, n := range []uint32{63, 7, uint32(0xffffffff - 32 + 1), 16} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

func TestWithAddsValues(t *testing.T) {
	t.Parallel()
	h, err := header.Parse(small())
	if err != nil {
		t.Fatal(err)
	}
	more, err := h.With(header.Numbers(1008, 7), header.Characters(1029, []byte{0, 1}))
	if err != nil {
		t.Fatal(err)
	}
	again, err := more.With(header.Numbers(1008, 8))
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Ints(1008); len(got) != 1 || got[0] != 8 || again.Text(1000) != "abc" || !bytes.Equal(again.Bytes(1029), []byte{0, 1}) {
		t.Errorf("it has %v %q %v", got, again.Text(1000), again.Bytes(1029))
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small())
	f.Add(small()[:30])
	f.Fuzz(func(t *testing.T, blob []byte) {
		h, err := header.Parse(blob)
		if err != nil {
			return
		}
		for tag := range header.Tag(1200) {
			h.Strings(tag)
			h.Ints(tag)
			h.Bytes(tag)
		}
		more, err := h.With(header.Numbers(1008, 7))
		if err == nil && more.Int(1008) != 7 {
			t.Errorf("a value was lost")
		}
	})
}
