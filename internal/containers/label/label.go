// Package label makes a tag of an image's labels: of one by its name, or of several by a template
// such as "{version}-{release}".
package label

import (
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Template is a parsed tag_from_label.
type Template struct {
	text  string
	parts []part
}

type part struct{ literal, label string } // one of both

// maxLength bounds a template; a tag has at most 128 characters.
const maxLength = 1024

// Parse reads the name of a label, or a template where the text has braces: {NAME} stands for a
// label, {{ and }} for braces. A name may have dots. Python's conversions, such as {a!r}, {a:>8}
// and {a[0]}, are refused.
func Parse(text string) (*Template, error) {
	t := &Template{text: text}
	switch {
	case text == "":
		return nil, t.errorf("it is empty")
	case len(text) > maxLength:
		return nil, fault.New(fault.Usage, "", "label template: longer than %d characters", maxLength)
	case !strings.ContainsAny(text, "{}"):
		t.parts = []part{{label: text}}
		return t, nil
	}
	return t, t.parse(text)
}

func (t *Template) parse(rest string) error {
	for rest != "" {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			t.literal(rest)
			return nil
		}
		t.literal(rest[:i])
		brace := rest[i : i+1]
		rest = rest[i+1:]
		switch {
		case strings.HasPrefix(rest, brace):
			t.literal(brace)
			rest = rest[1:]
		case brace == "}":
			return t.errorf("a } without a {; write }} for a brace")
		default:
			name, after, closed := strings.Cut(rest, "}")
			switch {
			case !closed:
				return t.errorf("{%s is never closed", name)
			case name == "":
				return t.errorf("{} names no label")
			case strings.ContainsAny(name, "{!:["):
				return t.errorf("{%s}: only the name of a label can stand between braces", name)
			}
			t.parts = append(t.parts, part{label: name})
			rest = after
		}
	}
	return nil
}

func (t *Template) literal(text string) {
	if text != "" {
		t.parts = append(t.parts, part{literal: text})
	}
}

func (t *Template) errorf(format string, args ...any) error {
	return fault.New(fault.Usage, "", "label template %q: "+format, append([]any{t.text}, args...)...)
}

// Format is the tag that the labels make. Where one is missing or empty, it is named instead.
func (t *Template) Format(labels map[string]string) (tag, missing string) {
	var s strings.Builder
	for _, p := range t.parts {
		if p.label == "" {
			s.WriteString(p.literal)
			continue
		}
		value := labels[p.label]
		if value == "" {
			return "", p.label
		}
		s.WriteString(value)
	}
	return s.String(), ""
}

// String is the template as written.
func (t *Template) String() string { return t.text }
