package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// ini is a file as Python's configparser reads it: sections, and in them lower-case keys with their values.
type ini struct {
	source   string
	sections map[string]map[string]entry
	order    []string // the sections, as they come
}

type entry struct {
	key  string // as it is written
	text string
	line int
}

// defaults is the section whose keys all others have, too.
const defaults = "DEFAULT"

func parseINI(source, text string) (*ini, error) {
	f := &ini{source: source, sections: map[string]map[string]entry{}}
	if !utf8.ValidString(text) {
		return nil, fault.New(fault.Usage, "", "reading %s: this is not UTF-8", source)
	}
	r := iniReader{ini: f}
	for n, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		if err := r.line(n+1, strings.TrimSuffix(line, "\r")); err != nil {
			return nil, err
		}
	}
	return f, nil
}

type iniReader struct {
	*ini
	section string // "" before the first one
	key     string // that lines with more indentation continue; "" if there is none
	indent  int    // of that key
}

func (r *iniReader) line(n int, line string) error {
	text := strings.TrimSpace(line)
	indent := len(line) - len(strings.TrimLeft(line, " \t\f\v"))
	if text != "" && (text[0] == '#' || text[0] == ';') {
		return nil
	}
	if r.key != "" && (text == "" || indent > r.indent) {
		e := r.sections[r.section][r.key]
		e.text += "\n" + text
		r.sections[r.section][r.key] = e
		return nil
	}
	switch {
	case text == "":
		return nil
	case text[0] == '[' && strings.LastIndexByte(text, ']') > 1:
		return r.begin(n, text[1:strings.LastIndexByte(text, ']')])
	case r.section == "":
		return r.errorf(n, "a key needs a section before it")
	}
	at := strings.IndexAny(text, "=:")
	if at <= 0 {
		return r.errorf(n, "this is not a line such as KEY = value")
	}
	written := strings.TrimSpace(text[:at])
	r.key, r.indent = strings.ToLower(written), indent
	if first, twice := r.sections[r.section][r.key]; twice {
		return r.errorf(n, "%s is duplicate; it is first on line %d", written, first.line)
	}
	r.sections[r.section][r.key] = entry{written, strings.TrimSpace(text[at+1:]), n}
	return nil
}

func (r *iniReader) begin(n int, name string) error {
	if name != defaults && r.sections[name] != nil {
		return r.errorf(n, "section [%s] is duplicate", name)
	}
	r.section, r.key = name, ""
	if r.sections[name] == nil {
		r.sections[name] = map[string]entry{}
		r.order = append(r.order, name)
	}
	return nil
}

func (f *ini) errorf(line int, format string, args ...any) error {
	return fault.New(fault.Usage, "", "reading %s:%d: %w", f.source, line, fmt.Errorf(format, args...))
}

// get is a key's value with its references resolved; ok is false if the section doesn't have the key.
func (f *ini) get(section, key string) (value string, line int, ok bool, err error) {
	e, ok := f.find(section, key)
	if !ok {
		return "", 0, false, nil
	}
	value, err = f.resolve(section, e, nil)
	return value, e.line, true, err
}

func (f *ini) find(section, key string) (entry, bool) {
	key = strings.ToLower(key)
	e, ok := f.sections[section][key]
	if !ok {
		e, ok = f.sections[defaults][key]
	}
	return e, ok
}

// most bounds what references make of a value, in bytes.
const most = 1 << 16

// resolve replaces %(key)s by the value of the key, and %% by %.
func (f *ini) resolve(section string, e entry, within []string) (string, error) {
	var b strings.Builder
	rest := strings.TrimRight(e.text, "\n")
	for {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(before)
		if b.Len() > most {
			return "", f.errorf(e.line, "%s has more than %d bytes", e.key, most)
		}
		if !found {
			return b.String(), nil
		}
		if rest = after; strings.HasPrefix(after, "%") {
			rest = after[1:]
		}
		name, behind, closed := strings.Cut(after, ")s")
		if !strings.HasPrefix(after, "(") || !closed {
			b.WriteByte('%')
			continue
		}
		other, ok := f.find(section, name[1:])
		switch {
		case !ok:
			return "", f.errorf(e.line, "%s refers to %s, which isn't set", e.key, name[1:])
		case slices.Contains(within, strings.ToLower(name[1:])) || strings.EqualFold(name[1:], e.key):
			return "", f.errorf(e.line, "%s refers to itself", e.key)
		}
		value, err := f.resolve(section, other, append(within, strings.ToLower(e.key)))
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		rest = behind
	}
}
