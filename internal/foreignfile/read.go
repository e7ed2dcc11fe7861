package foreignfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

// Node is a value in a file that Parse reads.
type Node struct {
	Line, Column int // of its first character, from 1

	path  string // of keys and positions from the file's top, such as shares[2].to
	value *Value
}

func (v *Value) node(path string) *Node { return &Node{v.Line, v.Column, path, v} }

// Errorf is an error about the value.
func (n *Node) Errorf(format string, args ...any) error { return n.value.Errorf(format, args...) }

// Path is where the value stands, by keys and positions, such as shares[0].to; "" is the top.
func (n *Node) Path() string { return n.path }

// IsNull reports whether the value is null.
func (n *Node) IsNull() bool { return n.value.IsNull() }

// Has reports whether the value is a mapping that has the key.
func (n *Node) Has(key string) bool { return n.value.Get(key) != nil }

// Reader reads a value. One that is missing never gets to it; an empty one does.
type Reader func(*Node) error

// Keys are the keys that a mapping may have, each with its reader.
type Keys map[string]Reader

// Map reads a mapping; required are the keys that have to be there.
func (n *Node) Map(keys Keys, required ...string) error {
	err := n.Pairs(func(key string, at, value *Node) error {
		read, ok := keys[key]
		if !ok {
			known := slices.Sorted(maps.Keys(keys))
			return at.Errorf("%q is unknown here; %sknown are %s", key, near(key, known), strings.Join(known, ", "))
		}
		return read(value)
	})
	if err != nil {
		return err
	}
	for _, key := range required {
		if n.value.Get(key) == nil {
			return n.Errorf("%s: it is missing", key)
		}
	}
	return nil
}

// Pairs reads a mapping of any keys; at is the key's place.
func (n *Node) Pairs(read func(key string, at, value *Node) error) error {
	if n.value.Kind != Map {
		return n.Errorf("keys and values are expected here")
	}
	for _, p := range n.value.Pairs {
		key := &Value{Kind: p.KeyKind, Text: p.Key, File: n.value.File, Line: p.Line, Column: p.Column}
		if err := read(p.Key, key.node(n.path), p.Value.node(child(n.path, p.Key))); err != nil {
			return err
		}
	}
	return nil
}

// Each reads a list, which may have no items: [] means none, and is not the same as nothing.
func Each(read Reader) Reader {
	return func(n *Node) error {
		if n.value.Kind != List {
			return n.Errorf("a list is expected here")
		}
		for at, item := range n.value.Items {
			if err := read(item.node(child(n.path, at))); err != nil {
				return err
			}
		}
		return nil
	}
}

// Some is Each of a list with at least one item.
func Some(read Reader) Reader {
	return func(n *Node) error {
		if n.value.Kind == List && len(n.value.Items) == 0 {
			return n.Errorf("%s: there are none", n.name())
		}
		return Each(read)(n)
	}
}

// Text reads a text that isn't empty. What YAML takes for a number or a date is text as well: an id
// may be all digits.
func Text(into *string) Reader {
	return func(n *Node) error {
		if n.value.Kind != String && n.value.Kind != Boolean || n.value.Text == "" {
			return n.Errorf("a text is expected here")
		}
		*into = n.value.Text
		return nil
	}
}

// Texts reads a list of texts, none of them empty.
func Texts(into *[]string) Reader {
	return Each(func(n *Node) error {
		var s string
		err := Text(&s)(n)
		*into = append(*into, s)
		return err
	})
}

// TextMap reads a mapping of texts, none of them empty.
func TextMap(into *map[string]string) Reader {
	return func(n *Node) error {
		*into = map[string]string{}
		return n.Pairs(func(key string, _, value *Node) error {
			var s string
			err := Text(&s)(value)
			(*into)[key] = s
			return err
		})
	}
}

// OneOf reads one of some words.
func OneOf(into *string, words ...string) Reader {
	return func(n *Node) error {
		if err := Text(into)(n); err != nil {
			return err
		}
		if !slices.Contains(words, *into) {
			return n.Errorf("%s: %q is unknown; %sit is %s", n.name(), *into, near(*into, words), strings.Join(words, " or "))
		}
		return nil
	}
}

// Bool reads true or false.
func Bool(into *bool) Reader {
	return func(n *Node) error {
		if n.value.Kind != Boolean {
			return n.Errorf("true or false is expected here")
		}
		*into = n.value.True
		return nil
	}
}

// Int reads a whole number from least on.
func Int(into *int, least int) Reader {
	return func(n *Node) error {
		i, err := strconv.Atoi(n.value.Text)
		if n.value.Kind != String || err != nil || i < least {
			return n.Errorf("%s: a whole number from %d on is expected here", n.name(), least)
		}
		*into = i
		return nil
	}
}

// Span reads a length of time, such as 30d, 7d12h or 12mo.
func Span(into *quantity.Span) Reader { return parsed(into, quantity.ParseSpan) }

// Bytes reads a size, such as 512, 10M or 4GiB.
func Bytes(into *int64) Reader { return parsed(into, quantity.ParseBytes) }

// Time reads a time, which needs a zone: a file means the same wherever it is read.
func Time(into *time.Time) Reader {
	return parsed(into, func(text string) (time.Time, error) {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return t, fmt.Errorf("%q is not a time such as 2027-01-31T00:00:00Z", text)
		}
		return t.UTC(), nil
	})
}

func parsed[T any](into *T, parse func(string) (T, error)) Reader {
	return func(n *Node) (err error) {
		var text string
		if err := Text(&text)(n); err != nil {
			return err
		}
		if *into, err = parse(text); err != nil {
			return n.Errorf("%s: %w", n.name(), err)
		}
		return nil
	}
}

// name is the last part of the path.
func (n *Node) name() string { return n.path[strings.LastIndex(n.path, ".")+1:] }

func child(path string, at any) string {
	switch at := at.(type) {
	case int:
		return fmt.Sprintf("%s[%d]", path, at)
	default:
		return strings.TrimPrefix(fmt.Sprintf("%s.%v", path, at), ".")
	}
}

// near asks whether the word that is most like the given one is meant; "" if none is like it.
func near(given string, known []string) string {
	if best := Nearest(given, known); best != "" {
		return fmt.Sprintf("did you mean %q? ", best)
	}
	return ""
}

// Nearest is the known word that is spelled most like the given one, "" if none is like it.
func Nearest(given string, known []string) string {
	best, distance := "", max(2, len(given)/3)+1
	for _, word := range known {
		if d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(word), nil); d < distance {
			best, distance = word, d
		}
	}
	return best
}
