// Package foreignfile reads the files that users write, in YAML or JSON. Every error is fault.Usage with
// line and column.
//
// Parse is for our own formats: share files, policies, layouts, catalogues. Unknown keys are errors, a
// missing or empty value never means "all" or "nobody", and top-level keys that begin with "x-" are
// ignored; use them for anchors. Tree is for formats that others have defined, such as heat's environment
// files: it keeps all that a file says, by the rules of YAML 1.1.
//
// Aliases and merge keys are followed. Size, depth and the expansion of aliases are limited, so that a
// short file can't fill the memory.
package foreignfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Limits of a file that Parse reads.
const (
	MaxSize  = 1 << 20 // bytes
	MaxDepth = 40      // of values in values, aliases followed
	MaxNodes = 100_000 // values, aliases followed
)

// Limits of a file that Tree reads. The largest environment files in use have some hundred kilobytes.
const (
	MaxTreeSize  = 2 << 20
	MaxTreeDepth = 100
	MaxTreeNodes = 500_000
)

// Parse reads the one document of a file. begin says for an empty file what it has to begin with.
func Parse(text []byte, begin string) (*Node, error) { return parse("", text, begin) }

func parse(file string, text []byte, begin string) (*Node, error) {
	if len(text) > MaxSize {
		return nil, fault.New(fault.Usage, "split it", "the file has %d bytes, more than %d", len(text), MaxSize)
	}
	top, err := (&reader{file: file, left: MaxNodes, nodes: MaxNodes, depth: MaxDepth}).document(text)
	switch {
	case err != nil:
		return nil, err
	case top.Kind == Null:
		return nil, fault.New(fault.Usage, "begin with "+begin, "line %d: the file is empty", top.Line)
	}
	top.Pairs = slices.DeleteFunc(top.Pairs, func(p Pair) bool { return strings.HasPrefix(p.Key, "x-") })
	return top.node(""), nil
}

// Tree reads the one document of a file that errors call name. Keys that are given more than once are
// marked, and the last one counts. An empty file is Null.
func Tree(name string, text []byte) (*Value, error) {
	if len(text) > MaxTreeSize {
		return nil, fault.New(fault.Usage, "", "%s: larger than %d MiB", name, MaxTreeSize>>20)
	}
	v, err := (&reader{file: name, lenient: true, left: MaxTreeNodes, nodes: MaxTreeNodes, depth: MaxTreeDepth}).document(text)
	if err != nil && !strings.HasPrefix(err.Error(), name+":") { // an error of the YAML parser
		err = fault.New(fault.Usage, "", "%s: %w", name, err)
	}
	return v, err
}

// ReadTree is Tree of a file on this machine.
func ReadTree(path string) (*Value, error) {
	text, err := ReadText(path)
	if err != nil {
		return nil, err
	}
	return Tree(path, text)
}

// ReadText is a file on this machine, for Tree: at most a byte more than Tree takes.
func ReadText(path string) ([]byte, error) { return read(path, MaxTreeSize) }

// Read is Parse of a file on this machine; errors begin with PATH, or PATH:LINE:COLUMN.
func Read(path, begin string) (*Node, error) {
	text, err := read(path, MaxSize)
	if err != nil {
		return nil, err
	}
	top, err := parse(path, text, begin)
	if err != nil && !strings.HasPrefix(err.Error(), path+":") {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return top, err
}

// read reads at most one byte more than a file may have.
func read(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // which waits for no writer of a pipe
	if err != nil {
		return nil, Unreadable(path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		return nil, fault.New(fault.Usage, "write it to a file first", "reading %s: it is a pipe", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, Unreadable(path, err)
	}
	return text, nil
}

// Unreadable is the error of a file that can't be read, with its kind.
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

// document reads the only document of a text.
func (r *reader) document(text []byte) (*Value, error) {
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF), err == nil && len(doc.Content) == 0:
		return &Value{File: r.file, Line: 1, Column: 1}, nil
	case err != nil:
		return nil, syntax(text, err)
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return nil, r.at(&more).Errorf("there is a second document; only one is read")
	case !errors.Is(err, io.EOF):
		return nil, syntax(text, err)
	}
	return r.value(doc.Content[0], 0)
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
