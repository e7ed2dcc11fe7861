package sandbox

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Faults is a list of rules that can change while requests are served; the first rule that applies decides. The
// zero value is ready to use and has no rules.
type Faults struct {
	mu    sync.Mutex
	rules []*activeRule
}

type activeRule struct {
	Rule
	path        *regexp.Regexp
	rand        *rand.Rand
	seen, fired int
}

// Add adds rules. It panics if a rule is malformed; use LoadRules for users' rules.
func (f *Faults) Add(rules ...Rule) {
	for _, r := range rules {
		a, err := activate(r)
		if err != nil {
			panic(err)
		}
		f.mu.Lock()
		f.rules = append(f.rules, a)
		f.mu.Unlock()
	}
}

// Clear removes all rules.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Schedule gives each request one of the faults with the probability rate. The same seed makes the same decisions
// for the same order of requests.
func (f *Faults) Schedule(seed uint64, rate float64, kinds ...Fault) {
	f.Add(Rule{Seed: seed, Rate: rate, Any: kinds})
}

// LoadRules reads rules from YAML: a list of mappings with the keys method, path, nth, from, count,
// rate, seed, do, status, retry_after, message, wait, keep and any.
func LoadRules(r io.Reader) ([]Rule, error) {
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	var rules []Rule
	if err := d.Decode(&rules); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading fault rules: %w", err)
	}
	for i, rule := range rules {
		if _, err := activate(rule); err != nil {
			return nil, fmt.Errorf("reading fault rule %d: %w", i+1, err)
		}
	}
	return rules, nil
}

func activate(r Rule) (*activeRule, error) {
	a := &activeRule{Rule: r, rand: rand.New(rand.NewPCG(r.Seed, r.Seed))}
	pattern := r.Path
	if !strings.HasPrefix(pattern, "^") {
		pattern = glob(pattern)
	}
	var err error
	if a.path, err = regexp.Compile(pattern); err != nil {
		return nil, fmt.Errorf("path %q: %w", r.Path, err)
	}
	for _, f := range append([]Fault{r.Fault}, r.Any...) {
		switch f.Do {
		case Answer, AnswerAfter:
			if f.Status < 400 || f.Status > 599 {
				return nil, fmt.Errorf("%s needs a status from 400 to 599, not %d", f.Do, f.Status)
			}
		case DropBefore, DropAfter, Delay, Truncate, Observe:
		case "":
			if f.Before == nil && f.After == nil && len(r.Any) == 0 {
				return nil, fmt.Errorf("do is missing; it is answer, answer-after, drop-before, drop-after, delay, truncate or observe")
			}
		default:
			return nil, fmt.Errorf("do %q is unknown; it is answer, answer-after, drop-before, drop-after, delay, truncate or observe",
				f.Do)
		}
	}
	return a, nil
}

// glob turns "*" (within a segment) and "**" (across segments) into a regexp.
func glob(pattern string) string {
	if pattern == "" {
		return ""
	}
	parts := strings.Split(pattern, "**")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, `[^/]*`)
	}
	return "^" + strings.Join(parts, ".*") + "$"
}

// pick returns what happens to a request in place of its service, and its name for the log; nil = nothing.
func (f *Faults) pick(r *http.Request) (name string, serve front.Serve) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.rules {
		if fault, ok := a.fire(r); ok {
			return fault.String(), fault.apply
		}
	}
	return "", nil
}

func (a *activeRule) fire(r *http.Request) (Fault, bool) {
	if a.Method != "" && !strings.Contains("|"+a.Method+"|", "|"+r.Method+"|") {
		return Fault{}, false
	}
	if !a.path.MatchString(r.URL.Path) || (a.Match != nil && !a.Match(r)) {
		return Fault{}, false
	}
	a.seen++
	switch {
	case a.Nth > 0 && a.seen != a.Nth,
		a.seen < a.From,
		a.Count > 0 && a.fired >= a.Count,
		a.Rate > 0 && a.rand.Float64() >= a.Rate:
		return Fault{}, false
	}
	a.fired++
	if len(a.Any) > 0 {
		return a.Any[a.rand.IntN(len(a.Any))], true
	}
	return a.Fault, true
}
