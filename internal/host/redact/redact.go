// Package redact removes secrets from text before anybody sees it.
package redact

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Mark stands where a secret was.
const Mark = "[redacted]"

// Redactor knows secrets. Its zero value knows none; it is safe for concurrent use.
//
// A password such as "demo" is also an ordinary word: redacting it in every name would falsify results, and
// reveal the password. So the strength of a secret decides where it is redacted: tokens and passphrases
// everywhere; secrets that could be part of a name only in messages; and an ordinary word only where it is used
// as a secret, as in "password=demo".
type Redactor struct {
	mu       sync.RWMutex
	known    map[string]bool
	strong   forms // redacted everywhere
	messages forms // redacted in messages
	words    *regexp.Regexp
	longest  int // bytes of the longest form that is crossed out everywhere
}

// forms are texts to cross out.
type forms struct {
	texts    []string
	replacer *strings.Replacer
}

// Add makes secrets known, in the forms in which they get into text: as they are, in a URL and in JSON.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]bool{}
	}
	var words []string
	for _, s := range secrets {
		if s != "" {
			r.known[s] = true
		}
	}
	r.strong, r.messages, r.longest = forms{}, forms{}, 0
	for s := range r.known {
		switch strengthOf(s) {
		case strong:
			r.strong.add(s)
			r.messages.add(s)
		case fair:
			r.messages.add(s)
		case weak:
			words = append(words, regexp.QuoteMeta(s))
		}
	}
	r.strong.build()
	r.messages.build()
	for _, s := range r.strong.texts {
		r.longest = max(r.longest, len(s))
	}
	if len(words) > 0 {
		slices.Sort(words)
		r.words = regexp.MustCompile(`((?i:pass(?:word|wd|phrase)?|secret|credential|token)["']?\s*(?:[=:]|\bis\b)\s*["']?|://[^/\s:@]*:)(?:` + strings.Join(words, "|") + `)(["'\s,;&@.)}]|$)`)
	}
}

func (f *forms) add(secret string) {
	quoted, _ := json.Marshal(secret) // a string can always be written
	for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`)} {
		if !slices.Contains(f.texts, form) {
			f.texts = append(f.texts, form)
		}
	}
}

func (f *forms) build() {
	// A secret that is part of another comes after it, or the longer one would be left in pieces.
	slices.SortFunc(f.texts, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(f.texts))
	for _, s := range f.texts {
		pairs = append(pairs, s, Mark)
	}
	if len(pairs) > 0 {
		f.replacer = strings.NewReplacer(pairs...)
	}
}

func (f *forms) replace(s string) string {
	if f.replacer == nil {
		return s
	}
	return f.replacer.Replace(s)
}

// String is a message without the secrets.
func (r *Redactor) String(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s = r.messages.replace(s)
	if r.words != nil {
		s = r.words.ReplaceAllString(s, "${1}"+Mark+"${2}")
	}
	return s
}

// Result is a text of a result, such as a name, without the secrets that no name contains.
func (r *Redactor) Result(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.strong.replace(s)
}
