// Package document reads YAML that somebody else wrote: environment files, role files and what a
// template renders. Size, depth and the number of values are bounded, also those that aliases
// repeat, and each value knows its line and column. Plain scalars mean what they mean to YAML 1.1,
// which heat and TripleO read: yes is true. A number keeps its spelling: 17.10 isn't 17.1.
package document

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// The bounds of one document. The largest environment files in use have some hundred kilobytes.
const (
	MaxBytes  = 8 << 20
	maxDepth  = 100
	maxValues = 500_000
)

// Kind is what a value is.
type Kind int

// The kinds of value.
const (
	Null Kind = iota
	Bool
	Number // Text is its spelling
	Text
	List
	Map
)

var kindNames = []string{"nothing", "a boolean", "a number", "text", "a list", "a mapping"}

// String names the kind with its article, for errors.
func (k Kind) String() string { return kindNames[k] }

// Value is one value of a document. A nil *Value is an absent one; its methods may be called.
type Value struct {
	Kind  Kind
	Text  string // of Text and Number
	True  bool   // of Bool
	Items []*Value
	Pairs []Pair // of a Map, in the order of the document, each key once
	// File, Line and Column say where it stands; lines and columns count from 1.
	File         string
	Line, Column int
}

// Pair is one key of a Map. Duplicate says that the document has the key more than once; the last counts.
type Pair struct {
	Key       string
	Value     *Value
	KeyKind   Kind // Text unless the key is written as a number, boolean or null
	Line      int
	Column    int
	Duplicate bool
}

// Read reads the file, or standard input's reader where it is given.
func Read(path string) (*Value, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, Unreadable(path, err)
	}
	return Parse(path, data)
}

// Unreadable is the error of a file that can't be read.
func Unreadable(path string, err error) error {
	kind := fault.Internal
	switch {
	case errors.Is(err, os.ErrNotExist):
		kind = fault.NotFound
	case errors.Is(err, os.ErrPermission):
		kind = fault.Forbidden
	}
	return fault.Wrap(kind, "", fmt.Errorf("reading %s: %w", path, err))
}

// Errorf is a usage error that begins with where the value stands.
func (v *Value) Errorf(format string, args ...any) error {
	return fault.New(fault.Usage, "", "%s: %s", v.At(), fmt.Sprintf(format, args...))
}

// At is FILE:LINE:COLUMN.
func (v *Value) At() string {
	if v == nil {
		return "?"
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

// IsNull reports whether the value is absent or null.
func (v *Value) IsNull() bool { return v == nil || v.Kind == Null }

// Truthy is Python's idea of truth: absent, null, false, 0, "" and what is empty are not.
func (v *Value) Truthy() bool {
	switch {
	case v.IsNull():
		return false
	case v.Kind == Bool:
		return v.True
	case v.Kind == Number:
		return !isZero(v.Text)
	case v.Kind == Text:
		return v.Text != ""
	}
	return len(v.Items)+len(v.Pairs) > 0
}
