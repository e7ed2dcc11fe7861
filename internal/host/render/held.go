package render

import "github.com/imgctl/packer-plugin-openstack/internal/fault"

// MaxHeld is how much of a command's results is held back until all have arrived, in bytes: the rows of a table or of a
// sorted list, and the fields of an object. A command that never ends must not fill the memory.
const MaxHeld = 128 << 20

// Held counts what is held back.
type Held struct {
	bytes, times int
	full         bool
}

// Add counts values, and reports whether there is still room for them.
func (h *Held) Add(values ...any) bool {
	h.times++
	for _, v := range values {
		h.bytes += heldBytes(v)
	}
	h.full = h.full || h.bytes > MaxHeld
	return !h.full
}

// tooMany is the error for rows that there is no room for.
func (h *Held) tooMany(advice, what string) error {
	return fault.New(fault.Usage, advice, "%s of more than %d rows is too large (%d MiB)", what, h.times-1, MaxHeld>>20)
}

// heldBytes is about how much memory a value takes.
func heldBytes(v any) int {
	n := 32 // the value itself
	switch v := v.(type) {
	case string:
		n += len(v)
	case []any:
		for _, e := range v {
			n += heldBytes(e)
		}
	case map[string]any:
		for k, e := range v {
			n += len(k) + heldBytes(e)
		}
	}
	return n
}
