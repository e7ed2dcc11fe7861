package header

import "encoding/binary"

// Has reports whether the header has the value.
func (h *Header) Has(t Tag) bool { _, ok := h.entries[t]; return ok }

// Count is how many values the tag has.
func (h *Header) Count(t Tag) int { return h.entries[t].count }

// Strings are the tag's texts; nil if it has none.
func (h *Header) Strings(t Tag) []string {
	e, ok := h.entries[t]
	if !ok || e.kind != String && e.kind != StringArray && e.kind != I18N {
		return nil
	}
	all := make([]string, 0, e.count)
	at := e.offset
	for n := e.offset; n < e.end; n++ {
		if h.data[n] == 0 {
			all = append(all, string(h.data[at:n]))
			at = n + 1
		}
	}
	return all
}

// Text is the tag's first text, "" if it has none.
func (h *Header) Text(t Tag) string {
	if all := h.Strings(t); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Ints are the tag's numbers; nil if it has none.
func (h *Header) Ints(t Tag) []uint64 {
	e, ok := h.entries[t]
	one := size[e.kind]
	if !ok || one == 0 {
		return nil
	}
	all := make([]uint64, e.count)
	for n := range all {
		raw := h.data[e.offset+n*one:]
		switch one {
		case 1:
			all[n] = uint64(raw[0])
		case 2:
			all[n] = uint64(binary.BigEndian.Uint16(raw))
		case 4:
			all[n] = uint64(binary.BigEndian.Uint32(raw))
		default:
			all[n] = binary.BigEndian.Uint64(raw)
		}
	}
	return all
}

// Int is the tag's first number, 0 if it has none.
func (h *Header) Int(t Tag) uint64 {
	if all := h.Ints(t); len(all) > 0 {
		return all[0]
	}
	return 0
}

// Bytes are the tag's data as they are.
func (h *Header) Bytes(t Tag) []byte {
	e, ok := h.entries[t]
	if !ok {
		return nil
	}
	return h.data[e.offset:e.end]
}

// Blob is the header as the database has it. It must not be changed.
func (h *Header) Blob() []byte { return h.blob }
