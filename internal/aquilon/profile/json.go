package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// maxDepth bounds how deep a document may be nested.
const maxDepth = 500

// Document is a JSON document that was read strictly: one value, no duplicate keys, valid UTF-8.
type Document struct {
	// Source is what the document is called in errors.
	Source string
	Root   Value
	text   []byte
}

// Value is a JSON value with its place. Of Members, Items and Scalar the one that fits is set;
// all are unset for null.
type Value struct {
	Members []Member
	Items   []Value
	// Scalar is a string, a bool or a json.Number.
	Scalar any
	// Kind names it: "an object", "an array", "a string", "a number", "a boolean" or "null".
	Kind   string
	offset int64
}

// Member is one key of an object, in the document's order.
type Member struct {
	Key   string
	Value Value
}

// ParseDocument reads one JSON value. Errors are fault.Usage and name the source, the line and
// the column.
func ParseDocument(source string, text []byte) (*Document, error) {
	d := &Document{Source: source, text: text}
	if at := invalidUTF8(text); at >= 0 {
		return nil, d.Errorf(int64(at), "this is not UTF-8")
	}
	r := &reader{Document: d, dec: json.NewDecoder(bytes.NewReader(text))}
	r.dec.UseNumber()
	root, err := r.value(0)
	if err != nil {
		return nil, err
	}
	d.Root = root
	at := r.next()
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, d.Errorf(at, "text follows the end of the document")
	}
	return d, nil
}

func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// Errorf is an error about a place in the document.
func (d *Document) Errorf(offset int64, format string, args ...any) error {
	line, column := d.place(offset)
	return fault.New(fault.Usage, "", "reading %s:%d:%d: %w", d.Source, line, column, fmt.Errorf(format, args...))
}

// Offset is where the value begins, in bytes.
func (v Value) Offset() int64 { return v.offset }

// place counts lines and columns (characters) from 1.
func (d *Document) place(offset int64) (line, column int) {
	before := d.text[:min(max(offset, 0), int64(len(d.text)))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

type reader struct {
	*Document
	dec *json.Decoder
}

// The kinds that are asked for.
const (
	Object = "an object"
	Array  = "an array"
)

// next is where the next token begins.
func (r *reader) next() int64 {
	at := r.dec.InputOffset()
	for at < int64(len(r.text)) && strings.IndexByte(" \t\r\n:,", r.text[at]) >= 0 {
		at++
	}
	return at
}

func (r *reader) token() (json.Token, int64, error) {
	at := r.next()
	t, err := r.dec.Token()
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, at, r.Errorf(int64(len(r.text)), "the document ends too early")
	case errors.As(err, &syntax):
		return nil, at, r.Errorf(at, "this is not JSON: %s", syntax.Error())
	case err != nil:
		return nil, at, r.Errorf(at, "this is not JSON: %w", err)
	}
	return t, at, nil
}

func (r *reader) value(depth int) (Value, error) {
	t, at, err := r.token()
	if err != nil {
		return Value{}, err
	}
	if depth > maxDepth {
		return Value{}, r.Errorf(at, "it is nested deeper than %d levels", maxDepth)
	}
	v := Value{offset: at}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			v.Kind = Object
			v.Members, err = r.members(depth)
		} else {
			v.Kind = Array
			v.Items, err = r.items(depth)
		}
	case string:
		v.Kind, v.Scalar = "a string", t
	case bool:
		v.Kind, v.Scalar = "a boolean", t
	case json.Number:
		v.Kind, v.Scalar = "a number", t
	case nil:
		v.Kind = "null"
	}
	return v, err
}

func (r *reader) members(depth int) ([]Member, error) {
	members := []Member{}
	seen := map[string]int64{}
	for r.dec.More() {
		t, at, err := r.token()
		if err != nil {
			return nil, err
		}
		key, ok := t.(string)
		if !ok {
			return nil, r.Errorf(at, "an object's key must be a string")
		}
		if first, twice := seen[key]; twice {
			line, _ := r.place(first)
			return nil, r.Errorf(at, "key %q is duplicate; it is first on line %d", key, line)
		}
		seen[key] = at
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		members = append(members, Member{key, v})
	}
	_, _, err := r.token()
	return members, err
}

func (r *reader) items(depth int) ([]Value, error) {
	items := []Value{}
	for r.dec.More() {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	_, _, err := r.token()
	return items, err
}

// Get is the member of an object by its key.
func (v Value) Get(key string) (Value, bool) {
	for _, m := range v.Members {
		if m.Key == key {
			return m.Value, true
		}
	}
	return Value{}, false
}

// plain is the value as encoding/json would give it, for the digest.
func (v Value) plain(path []string, skip func(path []string) bool) any {
	switch v.Kind {
	case Object:
		m := make(map[string]any, len(v.Members))
		for _, x := range v.Members {
			if path := append(path, x.Key); skip == nil || !skip(path) {
				m[x.Key] = x.Value.plain(path, skip)
			}
		}
		return m
	case Array:
		a := make([]any, 0, len(v.Items))
		for n, x := range v.Items {
			if path := append(path, strconv.Itoa(n)); skip == nil || !skip(path) {
				a = append(a, x.plain(path, skip))
			}
		}
		return a
	}
	return v.Scalar
}
