package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A shape is what JSON looks like without its values: an object of shapes, a list of at most one shape, or a string
// with the names of types, separated by |.

var digits = regexp.MustCompile(`[0-9]`)

var formats = []struct {
	name string
	re   *regexp.Regexp
}{
	{"uuid", regexp.MustCompile(`^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`)},
	{"hex", regexp.MustCompile(`^[0-9a-f]{32}$`)},
	{"", regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*$`)}, // a time is its digits' places
}

// ShapeOf is the shape of decoded JSON.
func ShapeOf(v any) any {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case float64:
		return "number"
	case string:
		for _, f := range formats {
			if f.re.MatchString(v) && f.name != "" {
				return f.name
			} else if f.re.MatchString(v) {
				return digits.ReplaceAllString(v, "9")
			}
		}
		return "text"
	case []any:
		var all any
		for _, one := range v {
			all = both(all, ShapeOf(one))
		}
		if all == nil {
			return []any{}
		}
		return []any{all}
	}
	shape := map[string]any{}
	for key, one := range v.(map[string]any) {
		if name := ShapeOf(key); name == "uuid" || name == "hex" {
			key, _ = name.(string)
		}
		shape[key] = ShapeOf(one)
	}
	return shape
}

// both is the shape of what has one of two shapes.
func both(a, b any) any {
	switch x := a.(type) {
	case nil:
		return b
	case string:
		if y, ok := b.(string); ok {
			names := append(strings.Split(x, "|"), strings.Split(y, "|")...)
			slices.Sort(names)
			return strings.Join(slices.Compact(names), "|")
		}
		if x == "null" {
			return b
		}
	case []any:
		if y, ok := b.([]any); ok {
			if len(x) == 0 || len(y) == 0 {
				return append(slices.Clone(x), y...)
			}
			return []any{both(x[0], y[0])}
		}
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			all := maps.Clone(x)
			for key, one := range y {
				all[key] = both(all[key], one)
			}
			return all
		}
	}
	if b == "null" {
		return a
	}
	return "mixed"
}

// Differences are those of two shapes, each with its path. Of types, one in common is enough.
func Differences(path string, got, want any) (found []string) {
	g, gotMap := got.(map[string]any)
	w, wantMap := want.(map[string]any)
	if gotMap && wantMap {
		for _, key := range slices.Sorted(maps.Keys(w)) {
			if _, ok := g[key]; !ok {
				found = append(found, fmt.Sprintf("%s.%s is missing: %s", path, key, text(w[key])))
			} else {
				found = append(found, Differences(path+"."+key, g[key], w[key])...)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(g)) {
			if _, ok := w[key]; !ok {
				found = append(found, fmt.Sprintf("%s.%s is too much: %s", path, key, text(g[key])))
			}
		}
		return found
	}
	gl, gotList := got.([]any)
	wl, wantList := want.([]any)
	if gotList && wantList {
		if len(gl) > 0 && len(wl) > 0 {
			return Differences(path+"[]", gl[0], wl[0])
		}
		return nil
	}
	gs, gotText := got.(string)
	ws, wantText := want.(string)
	if gotText && wantText && slices.ContainsFunc(strings.Split(gs, "|"), func(s string) bool {
		return slices.Contains(strings.Split(ws, "|"), s)
	}) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %s instead of %s", path, text(got), text(want))}
}

func text(shape any) string {
	if s, ok := shape.(string); ok {
		return s
	}
	data, _ := json.Marshal(shape) // of decoded JSON
	return string(data)
}
