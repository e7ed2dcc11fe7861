package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Compare tells where two recordings of a scenario differ: one line each, beginning with the place, as in
// "image: members / add twice / status: want 409, got 200".
func Compare(want, got Recording) []string {
	var found []string
	answers := map[string]Answer{}
	for _, a := range got.Answers {
		answers[a.Step] = a
	}
	for _, w := range want.Answers {
		place := want.Scenario + " / " + w.Step
		g, ok := answers[w.Step]
		if !ok {
			found = append(found, place+": not asked")
			continue
		}
		if w.Status != g.Status {
			found = append(found, fmt.Sprintf("%s / status: want %d, got %d", place, w.Status, g.Status))
		}
		for _, name := range slices.Sorted(maps.Keys(merge(w.Header, g.Header))) {
			if w.Header[name] != g.Header[name] {
				found = append(found, fmt.Sprintf("%s / header %s: want %q, got %q", place, name, w.Header[name], g.Header[name]))
			}
		}
		found = append(found, differ(place+" / body", w.Body, plain(g.Body))...)
	}
	return found
}

// plain is the value as it comes back from a file.
func plain(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var decoded any
	if err := json.Unmarshal(text, &decoded); err != nil {
		return err.Error()
	}
	return decoded
}

func differ(place string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		var found []string
		for _, key := range slices.Sorted(maps.Keys(merge(w, g))) {
			inW, inG := has(w, key), has(g, key)
			switch {
			case !inG:
				found = append(found, fmt.Sprintf("%s.%s: missing (%s)", place, key, short(w[key])))
			case !inW:
				found = append(found, fmt.Sprintf("%s.%s: too much (%s)", place, key, short(g[key])))
			default:
				found = append(found, differ(place+"."+key, w[key], g[key])...)
			}
		}
		return found
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		if len(w) != len(g) {
			return []string{fmt.Sprintf("%s: want %d of them, got %d", place, len(w), len(g))}
		}
		var found []string
		for i := range w {
			found = append(found, differ(fmt.Sprintf("%s.%d", place, i), w[i], g[i])...)
		}
		return found
	default:
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: want %s, got %s", place, short(want), short(got))}
}

func merge[V any](a, b map[string]V) map[string]V {
	both := maps.Clone(a)
	if both == nil {
		both = map[string]V{}
	}
	maps.Copy(both, b)
	return both
}

func has(m map[string]any, key string) bool {
	_, ok := m[key]
	return ok
}

func short(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(text) > 300 {
		return string(text[:300]) + "…"
	}
	return strings.TrimSpace(string(text))
}
