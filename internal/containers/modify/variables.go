package modify

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Keys of an entry, for messages.
const (
	keyRole      = "modify_role"
	keyVars      = "modify_vars"
	keyAppendTag = "modify_append_tag"
)

// variables reads an entry's modify_vars. The first error stays.
type variables struct {
	vars   map[string]any
	folder string
	known  []string
	err    error
}

func (v *variables) fail(name, format string, args ...any) {
	if v.err == nil {
		v.err = wrong("%s %s", name, fmt.Sprintf(format, args...))
	}
}

// wrong is an error about the entry's variables.
func wrong(format string, args ...any) error {
	return fault.New(fault.Usage, "", "%s: %s", keyVars, fmt.Sprintf(format, args...))
}

func (v *variables) get(name string) any {
	v.known = append(v.known, name)
	return v.vars[name]
}

// text is a variable's text, "" if it is missing. A number is text, too.
func (v *variables) text(name string) string {
	switch value := v.get(name).(type) {
	case nil:
		return ""
	case string:
		if value == "" {
			v.fail(name, "is empty")
		}
		return value
	case int, int64, uint64, float64:
		return fmt.Sprint(value)
	default:
		v.fail(name, "has to be text, not %s", kind(value))
		return ""
	}
}

// path is a file's or folder's; a relative one is below the user's folder.
func (v *variables) path(name string) string {
	p := v.text(name)
	switch {
	case p == "":
		return ""
	case strings.ContainsAny(p, "\x00\n:"):
		// They would end the path where a program is told of it.
		v.fail(name, "has a character that no path given to a container may have: %q", p)
	case !filepath.IsAbs(p):
		return filepath.Join(v.folder, p)
	}
	return filepath.Clean(p)
}

func (v *variables) required(name, value string) string {
	if value == "" {
		v.fail(name, "is missing")
	}
	return value
}

// bool is a switch, as Ansible reads it.
func (v *variables) bool(name string) bool {
	switch value := v.get(name).(type) {
	case nil:
		return false
	case bool:
		return value
	case string:
		switch strings.ToLower(value) {
		case "yes", "true", "on":
			return true
		case "no", "false", "off":
			return false
		}
	}
	v.fail(name, "has to be true or false, not %s", kind(v.vars[name]))
	return false
}

// texts is a list of texts; one text is a list of one.
func (v *variables) texts(name string) (all []string) {
	switch value := v.get(name).(type) {
	case nil:
		return nil
	case string:
		return []string{value}
	case []any:
		for _, item := range value {
			text, ok := item.(string)
			if !ok || text == "" {
				v.fail(name, "has to be a list of texts, but has %s", kind(item))
			}
			all = append(all, text)
		}
		return all
	default:
		v.fail(name, "has to be a list, not %s", kind(value))
		return nil
	}
}

// unknown are the variables that nothing reads, each with a near one.
func (v *variables) unknown() (notes []string) {
	for name := range v.vars {
		if slices.Contains(v.known, name) {
			continue
		}
		note := keyVars + ": " + name + " has no effect"
		near := slices.IndexFunc(v.known, func(k string) bool { return levenshtein.Distance(name, k, nil) <= 2 })
		if near >= 0 {
			note += ": " + v.known[near] + " is meant?"
		}
		notes = append(notes, note)
	}
	slices.Sort(notes)
	return notes
}

func kind(value any) string {
	switch value := value.(type) {
	case nil:
		return "nothing"
	case string:
		return fmt.Sprintf("the text %q", value)
	case bool:
		return strconv.FormatBool(value)
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return fmt.Sprintf("the number %v", value)
}
