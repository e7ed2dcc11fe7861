package launch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// equal compares a value that a service shows with one that is wanted.
func (f *field) equal(have, want any) bool {
	if f.same != nil {
		return f.same(have, want)
	}
	return equal(have, want)
}

// equal compares values of JSON: numbers by value, lists without order, nothing as "".
func equal(have, want any) bool {
	if list, is := want.([]string); is {
		return slices.Equal(sorted(have), slices.Sorted(slices.Values(list)))
	}
	if pairs, is := want.(map[string]string); is {
		m, _ := have.(map[string]any)
		for k, v := range pairs { // there may be more
			if text, is := m[k].(string); !is || text != v {
				return false
			}
		}
		return true
	}
	return plain(have) == plain(want)
}

func sorted(list any) (all []string) {
	items, _ := list.([]any)
	for _, i := range items {
		all = append(all, fmt.Sprint(i))
	}
	slices.Sort(all)
	return all
}

// plain is a value as text that can be compared.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return fmt.Sprintf("%g", v)
	case int:
		return fmt.Sprintf("%g", float64(v))
	}
	return fmt.Sprint(v)
}

// shown is a value for people.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		if v == "" {
			return "nothing"
		}
		if len(v) > 60 {
			v = v[:60] + "…"
		}
		return fmt.Sprintf("%q", v)
	case []string:
		return strings.Join(v, " ")
	case []any:
		return strings.Join(sorted(v), " ")
	}
	return plain(v)
}

// describe sets the mark at the end of a description, which services have that keep no metadata.
func describe(body object, name string) {
	text, _ := body["description"].(string)
	text, _ = undescribe(text)
	body["description"] = strings.TrimSpace(text + " " + MarkKey + "=" + name)
}

// undescribe is a description without its mark, and the mark's value.
func undescribe(text string) (rest, name string) {
	at := strings.LastIndex(text, MarkKey+"=")
	if at < 0 || at > 0 && text[at-1] != ' ' {
		return text, ""
	}
	return strings.TrimSpace(text[:at]), text[at+len(MarkKey)+1:]
}

func describedBy(o object) string {
	_, name := undescribe(o.text("description"))
	return name
}

func sameDescription(have, want any) bool {
	text, _ := have.(string)
	text, _ = undescribe(text)
	return text == plain(want)
}

// inMetadata and metadataMark are for services that keep metadata.
func inMetadata(body object, name string) {
	all, _ := body["metadata"].(map[string]string)
	with := map[string]string{MarkKey: name}
	maps.Copy(with, all)
	body["metadata"] = with
}

func metadataMark(o object) string {
	all, _ := o["metadata"].(map[string]any)
	name, _ := all[MarkKey].(string)
	return name
}
