// Package header reads and writes RPM's header structure: tagged values, as they are in a package
// file and in the database of installed packages.
package header

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Type is the type of a value.
type Type uint32

// The types of values.
const (
	Char Type = 1 + iota
	Int8
	Int16
	Int32
	Int64
	String
	Bin
	StringArray
	I18N
)

// size is that of one value; strings have none.
var size = map[Type]int{Char: 1, Int8: 1, Int16: 2, Int32: 4, Int64: 8, Bin: 1}

// Tag names a value.
type Tag uint32

// The tags of regions: the values that were there when the package was built.
const (
	Signatures Tag = 62
	Immutable  Tag = 63
)

// The limits of a header, which are rpm's own.
const (
	maxEntries = 0xffff
	maxData    = 0x0fffffff
	entrySize  = 16
)

var magic = [8]byte{0x8e, 0xad, 0xe8, 0x01}

type entry struct {
	tag    Tag
	kind   Type
	offset int
	count  int
	end    int // of its data
}

// Header is one header. It is read-only.
type Header struct {
	entries map[Tag]entry
	order   []entry // as they were read, without the region's
	region  Tag     // 0 if there is none
	inside  int     // how many entries belong to the region, itself included
	blob    []byte  // number of entries, size of data, entries, data
	data    []byte
}

// Read reads a header as package files have it: eight bytes of magic come first. raw are all its bytes,
// the magic included.
func Read(r io.Reader) (h *Header, raw []byte, err error) {
	var intro [16]byte
	if _, err := io.ReadFull(r, intro[:]); err != nil {
		return nil, nil, fmt.Errorf("header: %w", short(err))
	}
	if [8]byte(intro[:8]) != magic {
		return nil, nil, errors.New("header: wrong magic")
	}
	il, dl, err := lengths(intro[8:])
	if err != nil {
		return nil, nil, err
	}
	// The length is only what the file says, so memory is taken as the bytes come.
	body, err := io.ReadAll(io.LimitReader(r, int64(il*entrySize+dl)))
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	raw = append(intro[:], body...)
	h, err = Parse(raw[8:])
	return h, raw, err
}

func short(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func lengths(b []byte) (il, dl int, err error) {
	if len(b) < 8 {
		return 0, 0, errors.New("header: too short")
	}
	i, d := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if i == 0 || i > maxEntries || d > maxData {
		return 0, 0, fmt.Errorf("header: %d values in %d bytes", i, d)
	}
	return int(i), int(d), nil
}

// Parse reads a header as the database has it: without magic.
func Parse(blob []byte) (*Header, error) {
	il, dl, err := lengths(blob)
	if err != nil {
		return nil, err
	}
	if len(blob) != 8+il*entrySize+dl {
		return nil, fmt.Errorf("header: %d bytes in place of %d", len(blob), 8+il*entrySize+dl)
	}
	h := &Header{entries: make(map[Tag]entry, il), blob: blob, data: blob[8+il*entrySize:]}
	for n := range il {
		if err := h.add(n, blob[8+n*entrySize:]); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *Header) add(n int, raw []byte) error {
	e := entry{
		tag: Tag(binary.BigEndian.Uint32(raw)), kind: Type(binary.BigEndian.Uint32(raw[4:])),
		offset: int(binary.BigEndian.Uint32(raw[8:])), count: int(binary.BigEndian.Uint32(raw[12:])),
	}
	if e.offset > len(h.data) || e.count < 1 || e.count > len(h.data) {
		return fmt.Errorf("header: value %d: beyond the data", e.tag)
	}
	if n == 0 && (e.tag == Signatures || e.tag == Immutable) {
		return h.addRegion(e)
	}
	end, err := h.end(e)
	if err != nil {
		return err
	}
	e.end = end
	h.order = append(h.order, e)
	if _, twice := h.entries[e.tag]; !twice {
		h.entries[e.tag] = e
	}
	return nil
}

// addRegion reads the region's trailer, which says how many values it has.
func (h *Header) addRegion(e entry) error {
	if e.kind != Bin || e.count != entrySize || e.offset+entrySize > len(h.data) {
		return errors.New("header: the region is wrong")
	}
	trailer := h.data[e.offset:]
	back := -int64(int32(binary.BigEndian.Uint32(trailer[8:])))
	if back <= 0 || back%entrySize != 0 || int(back)/entrySize > (len(h.blob)-8-len(h.data))/entrySize {
		return errors.New("header: the region's trailer is wrong")
	}
	h.region, h.inside = e.tag, int(back)/entrySize
	return nil
}

// end finds where the data of a value ends.
func (h *Header) end(e entry) (int, error) {
	if one := size[e.kind]; one > 0 {
		if e.offset%min(one, 8) != 0 && e.kind != Bin || e.count > (len(h.data)-e.offset)/one {
			return 0, fmt.Errorf("header: value %d: beyond the data", e.tag)
		}
		return e.offset + e.count*one, nil
	}
	if e.kind != String && e.kind != StringArray && e.kind != I18N || e.kind == String && e.count != 1 {
		return 0, fmt.Errorf("header: value %d: %d of type %d", e.tag, e.count, e.kind)
	}
	at := e.offset
	for range e.count {
		for at < len(h.data) && h.data[at] != 0 {
			at++
		}
		if at == len(h.data) {
			return 0, fmt.Errorf("header: value %d: the text has no end", e.tag)
		}
		at++
	}
	return at, nil
}
