package nodepool

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// flowText is a value in YAML's flow style, on one line; the key "name" comes first.
func flowText(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return scalar(v)
	case []any:
		parts := make([]string, len(v))
		for n := range v {
			parts[n] = flowText(v[n])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		keys := slices.SortedFunc(maps.Keys(v), func(a, b string) int {
			switch {
			case a == b:
				return 0
			case a == "name" || b != "name" && a < b:
				return -1
			}
			return 1
		})
		parts := make([]string, len(keys))
		for n, key := range keys {
			parts[n] = scalar(key) + ": " + flowText(v[key])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(value)
}

// plainText is what YAML reads as text without quotes, wherever it stands.
var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/-]*$`)

// words that YAML 1.1 reads as something else.
var words = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// scalar is a text as YAML writes it.
func scalar(s string) string {
	if plainText.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	text, err := json.Marshal(s) // JSON's texts are YAML's
	if err != nil {
		return "''"
	}
	return string(text)
}
