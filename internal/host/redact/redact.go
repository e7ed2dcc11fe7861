// Package redact crosses secrets out of text before anybody sees it.
package redact

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Mark stands where a secret was.
const Mark = "[redacted]"

// shortest is how long a secret is at least; crossing out anything shorter would say more about
// it, by what is missing, than showing the text.
const shortest = 4

// Redactor knows secrets. Its zero value knows none; it is safe for concurrent use.
type Redactor struct {
	mu       sync.RWMutex
	known    []string
	replacer *strings.Replacer
}

// Add makes secrets known, in the forms in which they get into text: as they are, in a URL and in JSON.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		if len(s) < shortest {
			continue
		}
		quoted, _ := json.Marshal(s) // a string can always be written
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(string(quoted), `"`)} {
			if !slices.Contains(r.known, form) {
				r.known = append(r.known, form)
			}
		}
	}
	// A secret that is part of another comes after it, or the longer one would be left in pieces.
	slices.SortStableFunc(r.known, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(r.known))
	for _, s := range r.known {
		pairs = append(pairs, s, Mark)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// String is s without the secrets.
func (r *Redactor) String(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.replacer == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// Value is v, of the forms that a row has, without the secrets.
func (r *Redactor) Value(v any) any {
	switch v := v.(type) {
	case string:
		return r.String(v)
	case []any:
		for i := range v {
			v[i] = r.Value(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = r.Value(v[k])
		}
	}
	return v
}
