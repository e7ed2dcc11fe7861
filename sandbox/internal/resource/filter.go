package resource

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// controls are the parameters of a list that are no filters.
var controls = []string{
	"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "fields", "page_reverse", "all_tenants", "global_tenant", "with_count",
}

// passes holds an object against the filters: each has to match with one of its values. What the kind doesn't
// filter by has no effect.
func (s *Style) passes(k *Kind, o Object, q url.Values) bool {
	for key, values := range q {
		if name, ok := s.Aliases[key]; ok {
			key = name
		}
		switch {
		case slices.Contains(controls, key):
			continue
		case key == "tags" || key == "tags-any" || key == "not-tags" || key == "not-tags-any":
			if !tagged(o, key, values) {
				return false
			}
			continue
		case strings.HasSuffix(key, "__contains"):
			have, _ := o.Field(strings.TrimSuffix(key, "__contains"))
			if text, _ := have.(string); !strings.Contains(text, values[0]) {
				return false
			}
			continue
		case k.Filters != nil && !slices.Contains(k.Filters, key):
			continue
		}
		have, ok := o.Field(key)
		if ok && !slices.ContainsFunc(values, func(v string) bool { return equal(have, v) }) {
			return false
		}
	}
	return true
}

func tagged(o Object, key string, values []string) bool {
	have, _ := o.Field("tags")
	tags, _ := have.([]string)
	asked := strings.Split(strings.Join(values, ","), ",")
	has := func(t string) bool { return slices.Contains(tags, t) }
	lacks := func(t string) bool { return !has(t) }
	switch key {
	case "tags":
		return !slices.ContainsFunc(asked, lacks)
	case "tags-any":
		return slices.ContainsFunc(asked, has)
	case "not-tags":
		return slices.ContainsFunc(asked, lacks)
	}
	return !slices.ContainsFunc(asked, has)
}

// Matcher is a field's value that knows how filters compare with it.
type Matcher interface{ Matches(filter string) bool }

// equal compares a field with a filter's value.
func equal(have any, want string) bool {
	switch h := have.(type) {
	case nil:
		return want == "" || want == "null"
	case Matcher:
		return h.Matches(want)
	case bool:
		return h == (strings.EqualFold(want, "true") || want == "1")
	case string:
		return h == want
	case []string:
		return slices.Contains(h, want)
	}
	return fmt.Sprint(have) == want
}
