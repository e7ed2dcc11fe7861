package foreignfile

import (
	"fmt"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Kind is what a value is.
type Kind int

// The kinds of value.
const (
	Null Kind = iota
	Boolean
	Number
	String
	List
	Map
)

var kindNames = []string{"nothing", "a boolean", "a number", "text", "a list", "a mapping"}

// String names the kind with its article, for errors.
func (k Kind) String() string { return kindNames[k] }

// Value is one value of a file. A nil *Value is an absent one; its methods may be called.
type Value struct {
	Kind  Kind
	Text  string // of String, Number and Boolean, as it is spelled: 17.10 isn't 17.1
	True  bool   // of Boolean
	Items []*Value
	Pairs []Pair // of a Map, in the order of the document, each key once
	// File, Line and Column say where it stands; lines and columns count from 1. Parse leaves File empty.
	File         string
	Line, Column int
	// Alias is where the alias stands through which the value was reached; nil if the value itself stands there.
	Alias *Place
}

// Place is a line and a column, which count from 1; columns count characters.
type Place struct{ Line, Column int }

// Pair is one key of a Map. Duplicate says that the document has the key more than once; the last counts.
// Merged says that a merge key brought it.
type Pair struct {
	Key       string
	Value     *Value
	KeyKind   Kind // String unless the key is written as a number, boolean or null
	Line      int
	Column    int
	Duplicate bool
	Merged    bool
}

// Errorf is a usage error that begins with where the value stands.
func (v *Value) Errorf(format string, args ...any) error {
	return fault.New(fault.Usage, "", "%s: %w", v.At(), fmt.Errorf(format, args...))
}

// At is FILE:LINE:COLUMN, or the line and column in words if the file has no name.
func (v *Value) At() string {
	switch {
	case v == nil:
		return "?"
	case v.File == "":
		return fmt.Sprintf("line %d, column %d", v.Line, v.Column)
	}
	return fmt.Sprintf("%s:%d:%d", v.File, v.Line, v.Column)
}

// Get is the value of the key, nil if there is none or v is no map.
func (v *Value) Get(key string) *Value {
	if v == nil {
		return nil
	}
	if i := slices.IndexFunc(v.Pairs, func(p Pair) bool { return p.Key == key }); i >= 0 {
		return v.Pairs[i].Value
	}
	return nil
}

// Entries are the pairs of a Map; there are none if v is absent.
func (v *Value) Entries() []Pair {
	if v == nil {
		return nil
	}
	return v.Pairs
}

// IsNull reports whether the value is absent or null.
func (v *Value) IsNull() bool { return v == nil || v.Kind == Null }

// Truthy is Python's idea of truth: absent, null, false, 0, "" and what is empty are not.
func (v *Value) Truthy() bool {
	switch {
	case v.IsNull():
		return false
	case v.Kind == Boolean:
		return v.True
	case v.Kind == Number:
		return !isZero(v.Text)
	case v.Kind == String:
		return v.Text != ""
	}
	return len(v.Items)+len(v.Pairs) > 0
}
