package header

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Value is a value to add to a header. Data is as the header has it: big-endian numbers, texts that
// end with a zero byte.
type Value struct {
	Tag   Tag
	Type  Type
	Count int
	Data  []byte
}

// Value is the header's value of that tag, to add it to another under the tag as.
func (h *Header) Value(t, as Tag) (Value, bool) {
	e, ok := h.entries[t]
	if !ok {
		return Value{}, false
	}
	return Value{Tag: as, Type: e.kind, Count: e.count, Data: h.data[e.offset:e.end]}, true
}

// Numbers makes a value of 32-bit numbers.
func Numbers(t Tag, n ...uint32) Value {
	v := Value{Tag: t, Type: Int32, Count: len(n)}
	for _, one := range n {
		v.Data = binary.BigEndian.AppendUint32(v.Data, one)
	}
	return v
}

// Characters makes a value of bytes that rpm takes as characters.
func Characters(t Tag, b []byte) Value { return Value{Tag: t, Type: Char, Count: len(b), Data: b} }

// With makes the header with further values. Those of the region stay as they are, so that
// signatures and digests over it hold, and can't be replaced; of other values that are there, new ones
// take the place.
func (h *Header) With(values ...Value) (*Header, error) {
	if h.region != Immutable {
		return nil, errors.New("header: it has no immutable region")
	}
	for _, e := range h.order[:h.inside-1] {
		if slices.ContainsFunc(values, func(v Value) bool { return v.Tag == e.tag }) {
			return nil, fmt.Errorf("header: value %d is in the immutable region", e.tag)
		}
	}
	regionEnd := int(binary.BigEndian.Uint32(h.blob[8+8:])) + entrySize
	var extra []Value
	for _, e := range h.order[h.inside-1:] {
		if !slices.ContainsFunc(values, func(v Value) bool { return v.Tag == e.tag }) {
			extra = append(extra, Value{Tag: e.tag, Type: e.kind, Count: e.count, Data: h.data[e.offset:e.end]})
		}
	}
	extra = append(extra, values...)
	slices.SortStableFunc(extra, func(a, b Value) int { return cmp.Compare(a.Tag, b.Tag) })

	index := slices.Clone(h.blob[8 : 8+h.inside*entrySize])
	data := slices.Clone(h.data[:regionEnd])
	for _, v := range extra {
		if one := size[v.Type]; one > 1 {
			data = append(data, make([]byte, (one-len(data)%one)%one)...)
		}
		for _, n := range []uint32{uint32(v.Tag), uint32(v.Type), uint32(len(data)), uint32(v.Count)} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
		data = append(data, v.Data...)
	}
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(index)/entrySize))
	blob = binary.BigEndian.AppendUint32(blob, uint32(len(data)))
	return Parse(append(append(blob, index...), data...))
}
