// Package foreignfile reads the files that users write, in YAML or JSON: share files, policies,
// layouts, catalogues. Unknown keys are errors, a missing or empty value never means "all" or "nobody",
// and every error is fault.Usage with line and column.
//
// Aliases and merge keys are followed. Size, depth and the expansion of aliases are limited, so that a
// short file can't fill the memory. Top-level keys that begin with "x-" are ignored; use them for anchors.
package foreignfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Limits of a file.
const (
	MaxSize  = 1 << 20 // bytes
	MaxDepth = 40      // of values in values, aliases followed
	MaxNodes = 100_000 // values, aliases followed
)

// Node is a value in a file.
type Node struct {
	Line, Column int // of its first character, from 1

	path     string // of keys and positions from the file's top, such as shares[2].to
	kind     kind
	text     string
	yamlBool bool   // the text is true or false without quotes
	items    []Node // of a list
	pairs    []pair // of a mapping, in the file's order, those of merge keys behind
}

type kind int

const (
	empty kind = iota // null, or nothing if a value belongs
	scalar
	list
	mapping
)

type pair struct {
	key   Node
	value Node
}

// Parse reads the one document of a file. begin says for an empty file what it has to begin with.
func Parse(text []byte, begin string) (*Node, error) {
	if len(text) > MaxSize {
		return nil, fault.New(fault.Usage, "split it", "the file has %d bytes, more than %d", len(text), MaxSize)
	}
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF), err == nil && len(doc.Content) == 0:
		return nil, fault.New(fault.Usage, "begin with "+begin, "line 1: the file is empty")
	case err != nil:
		return nil, syntax(text, err)
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return nil, (&Node{Line: more.Line, Column: more.Column}).Errorf("there is a second document; only one is read")
	case !errors.Is(err, io.EOF):
		return nil, syntax(text, err)
	}
	r := &reader{left: MaxNodes}
	top, err := r.node(doc.Content[0], "", 0)
	if err != nil {
		return nil, err
	}
	top.pairs = slices.DeleteFunc(top.pairs, func(p pair) bool { return strings.HasPrefix(p.key.text, "x-") })
	if top.kind == empty {
		return nil, fault.New(fault.Usage, "begin with "+begin, "line %d: the file is empty", top.Line)
	}
	return &top, nil
}

// syntax is an error of the YAML parser, which doesn't always say where.
func syntax(text []byte, err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if name, ok := strings.CutPrefix(message, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		before, _, _ := bytes.Cut(text, []byte("*"+name))
		message = fmt.Sprintf("line %d: %s", 1+bytes.Count(before, []byte("\n")), message)
	}
	if !strings.Contains(message, "line ") { // of the reader of characters, and of what ends too early
		at := bytes.IndexFunc(text, func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || r == utf8.RuneError
		})
		if at < 0 {
			at = len(text)
		}
		message = fmt.Sprintf("line %d: %s", 1+bytes.Count(text[:at], []byte("\n")), message)
	}
	return fault.New(fault.Usage, "", "%s", message)
}

// reader makes Nodes of YAML's, within the limits.
type reader struct{ left int }

func (r *reader) node(n *yaml.Node, path string, depth int) (Node, error) {
	out := Node{Line: n.Line, Column: n.Column, path: path}
	if r.left--; r.left < 0 {
		return out, out.Errorf("the file comes to more than %d values, its aliases followed", MaxNodes)
	}
	if depth > MaxDepth {
		return out, out.Errorf("values are nested more than %d deep, aliases followed", MaxDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.node(n.Alias, path, depth+1)
	case yaml.ScalarNode:
		return r.scalar(n, out)
	case yaml.SequenceNode:
		out.kind = list
		for at, item := range n.Content {
			v, err := r.node(item, child(path, at), depth+1)
			if err != nil {
				return out, err
			}
			out.items = append(out.items, v)
		}
	case yaml.MappingNode:
		out.kind = mapping
		return r.mapping(n, out, depth)
	}
	return out, nil
}

func (r *reader) scalar(n *yaml.Node, out Node) (Node, error) {
	switch n.ShortTag() {
	case "!!null":
		return out, nil
	case "!!binary":
		return out, out.Errorf("binary data is not expected here")
	}
	out.kind, out.text = scalar, n.Value
	out.yamlBool = n.ShortTag() == "!!bool"
	return out, nil
}

func (r *reader) mapping(n *yaml.Node, out Node, depth int) (Node, error) {
	var merged []pair
	for k := 0; k+1 < len(n.Content); k += 2 {
		if n.Content[k].ShortTag() == "!!merge" {
			more, err := r.merge(n.Content[k+1], out.path, depth)
			if err != nil {
				return out, err
			}
			merged = append(merged, more...)
			continue
		}
		key, err := r.node(n.Content[k], out.path, depth+1)
		switch {
		case err != nil:
			return out, err
		case key.kind != scalar || key.text == "":
			return out, key.Errorf("a key has to be a word")
		case out.has(key.text):
			return out, key.Errorf("%q is given twice", key.text)
		}
		value, err := r.node(n.Content[k+1], child(out.path, key.text), depth+1)
		if err != nil {
			return out, err
		}
		if value.kind == empty { // the place of a missing value is the key's
			value.Line, value.Column = key.Line, key.Column
		}
		out.pairs = append(out.pairs, pair{key, value})
	}
	for _, p := range merged {
		if !out.has(p.key.text) {
			out.pairs = append(out.pairs, p)
		}
	}
	return out, nil
}

// merge are the pairs of a mapping, or of several of which the first counts.
func (r *reader) merge(n *yaml.Node, path string, depth int) ([]pair, error) {
	from, err := r.node(n, path, depth+1)
	if err != nil {
		return nil, err
	}
	sources := from.items
	if from.kind != list {
		sources = []Node{from}
	}
	var all []pair
	for _, s := range sources {
		if s.kind != mapping {
			return nil, s.Errorf("<< takes keys and values, or a list of such")
		}
		all = append(all, s.pairs...)
	}
	return all, nil
}

func (n *Node) has(key string) bool {
	return slices.ContainsFunc(n.pairs, func(p pair) bool { return p.key.text == key })
}
