// Package dockerfile reads the Dockerfiles that change an image: which image they start from,
// whether they can be carried out without running anything, and as whom the result runs.
package dockerfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// MaxSize is how large a Dockerfile may be, in bytes.
const MaxSize = 1 << 20

// File is a Dockerfile.
type File struct {
	text   []byte
	escape rune
	args   []instructions.ArgCommand // before the first FROM
	stages []instructions.Stage
}

// Parse reads a Dockerfile. Errors name the line.
func Parse(text []byte) (f *File, err error) {
	if len(text) > MaxSize {
		return nil, fault.New(fault.Usage, "", "the Dockerfile has more than %d KiB", MaxSize>>10)
	}
	defer func() { // a parser of foreign text must not end the program
		if p := recover(); p != nil {
			f, err = nil, fault.New(fault.Usage, "", "the Dockerfile can't be read: %v", p)
		}
	}()
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, located(err)
	}
	f = &File{text: text, escape: parsed.EscapeToken}
	if f.stages, f.args, err = instructions.Parse(parsed.AST, nil); err != nil {
		return nil, located(err)
	}
	if len(f.stages) == 0 {
		return nil, fault.New(fault.Usage, "", "the Dockerfile has no FROM, which names the image to change")
	}
	return f, nil
}

// located has the error begin with its line.
func located(err error) error {
	text := strings.TrimPrefix(err.Error(), "dockerfile parse error on ")
	var at *parser.LocationError
	if errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		if line := fmt.Sprintf("line %d: ", at.Locations[0][0].Start.Line); !strings.HasPrefix(text, line) {
			text = line + text
		}
	}
	return fault.New(fault.Usage, "", "Dockerfile: %s", text)
}

// last is the stage whose image is the result.
func (f *File) last() instructions.Stage { return f.stages[len(f.stages)-1] }

// line is where an instruction begins.
func line(at []parser.Range) int {
	if len(at) == 0 {
		return 0
	}
	return at[0].Start.Line
}

// From is the Dockerfile on another image: the last FROM names it, and labels follow. Stages before
// stay what they are.
func (f *File) From(image string, labels map[string]string) []byte {
	at := f.last().Location
	begin, end := at[0].Start.Line-1, at[len(at)-1].End.Line-1
	lines := bytes.SplitAfter(f.text, []byte("\n"))
	from := [][]byte{[]byte("FROM " + image + "\n")}
	for _, key := range sortedKeys(labels) {
		from = append(from, []byte("LABEL "+f.quote(key)+"="+f.quote(labels[key])+"\n"))
	}
	return bytes.Join(slices.Concat(lines[:begin], from, lines[end+1:]), nil)
}

// quote keeps a value from being expanded or split.
func (f *File) quote(value string) string {
	escape := string(f.escape)
	return `"` + strings.NewReplacer(`"`, escape+`"`, `$`, escape+`$`, escape, escape+escape, "\n", " ").Replace(value) + `"`
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}

// Copies are the paths in the build context that the last stage copies, without what stages and
// servers give.
func (f *File) Copies() (paths []string) {
	for _, c := range f.last().Commands {
		switch c := c.(type) {
		case *instructions.CopyCommand:
			if c.From == "" {
				paths = append(paths, c.SourcePaths...)
			}
		case *instructions.AddCommand:
			paths = append(paths, c.SourcePaths...)
		}
	}
	return paths
}

// User is the line of the last USER, and what it says; 0 if there is none.
func (f *File) User() (user string, at int) {
	for _, c := range f.last().Commands {
		if u, ok := c.(*instructions.UserCommand); ok {
			user, at = u.User, line(u.Location())
		}
	}
	return user, at
}

// IsRoot reports whether a configuration's user is root.
func IsRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0"
}
