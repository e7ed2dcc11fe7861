package front

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// Effect is what a fault does to a request.
type Effect string

// The effects.
const (
	Answer      Effect = "answer"       // Status is answered; the handler does not run
	AnswerAfter Effect = "answer-after" // the handler runs and its write takes effect, then Status is answered
	DropBefore  Effect = "drop-before"  // the connection is closed; the handler does not run
	DropAfter   Effect = "drop-after"   // the handler runs and its write takes effect, then the connection is closed
	Delay       Effect = "delay"        // the request waits for Wait first
	Truncate    Effect = "truncate"     // the response's body ends after Keep bytes (default: half) and the connection is closed
	Observe     Effect = "observe"      // nothing but the hooks
)

// Fault is something that goes wrong with one request.
type Fault struct {
	Do         Effect        `yaml:"do"`
	Status     int           `yaml:"status"`      // of Answer and AnswerAfter
	RetryAfter string        `yaml:"retry_after"` // value of the Retry-After header; "" = none
	Message    string        `yaml:"message"`     // of the error body; "" = one that names the fault
	Wait       time.Duration `yaml:"wait"`        // of Delay
	Keep       int           `yaml:"keep"`        // of Truncate

	// Before runs before the handler; After when the handler is done and before the client hears
	// of it. They may kill the client.
	Before func(*http.Request) `yaml:"-"`
	After  func(*http.Request) `yaml:"-"`
}

// Status is the fault that a status is answered.
func Status(code int) Fault { return Fault{Do: Answer, Status: code} }

// StatusAfter is the fault that a status is answered although the request took effect.
func StatusAfter(code int) Fault { return Fault{Do: AnswerAfter, Status: code} }

// String names the fault, such as "answer 503" or "drop-after".
func (f Fault) String() string {
	switch f.Do {
	case Answer, AnswerAfter:
		return fmt.Sprintf("%s %d", f.Do, f.Status)
	case "":
		return string(Observe)
	}
	return string(f.Do)
}

// Rule says which requests a fault happens to.
type Rule struct {
	Method string                   `yaml:"method"` // "" = any; several by "|"
	Path   string                   `yaml:"path"`   // a glob over the path with the service's prefix ("*" within a segment, "**" across), a regexp when it starts with "^"; "" = any
	Match  func(*http.Request) bool `yaml:"-"`      // one more condition; nil = none
	Nth    int                      `yaml:"nth"`    // only the nth request that matches, from 1
	From   int                      `yaml:"from"`   // from the nth request that matches on
	Count  int                      `yaml:"count"`  // at most so many times; 0 = no limit
	Rate   float64                  `yaml:"rate"`   // with this probability; 0 = always
	Seed   uint64                   `yaml:"seed"`   // of the random numbers for Rate and Any
	Fault  `yaml:",inline"`
	Any    []Fault `yaml:"any"` // one of these by chance, in place of Fault
}

// Faults is a list of rules that can change while requests are served; the first rule that fires
// decides. The zero value is ready and lets everything pass.
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

// Add adds rules. It panics when a rule is malformed; rules of users come through LoadRules.
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

// Schedule lets each request suffer one of the faults with the probability rate. The same seed gives
// the same decisions for the same order of requests.
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
			return nil, fmt.Errorf("do %q is unknown; it is answer, answer-after, drop-before, drop-after, delay, truncate or observe", f.Do)
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

// pick returns the fault that happens to a request, and its name for the log.
func (f *Faults) pick(r *http.Request) (Fault, string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.rules {
		if fault, ok := a.fire(r); ok {
			return fault, fault.String(), true
		}
	}
	return Fault{}, "", false
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

// apply serves a request that a fault happens to.
func (f Fault) apply(w http.ResponseWriter, r *http.Request, handler http.Handler, fail ErrorWriter) {
	if f.Before != nil {
		f.Before(r)
	}
	switch f.Do {
	case Answer:
		f.answer(w, r, fail)
		return
	case DropBefore:
		panic(http.ErrAbortHandler)
	case Delay:
		sleep(r.Context(), f.Wait)
	}
	if f.After == nil && (f.Do == Delay || f.Do == Observe || f.Do == "") {
		handler.ServeHTTP(w, r)
		return
	}
	h := &held{header: w.Header().Clone()}
	handler.ServeHTTP(h, r)
	if f.After != nil {
		f.After(r)
	}
	switch f.Do {
	case AnswerAfter:
		f.answer(w, r, fail)
	case DropAfter:
		panic(http.ErrAbortHandler)
	case Truncate:
		h.deliver(w, f.Keep)
	default:
		h.deliver(w, -1)
	}
}

func (f Fault) answer(w http.ResponseWriter, r *http.Request, fail ErrorWriter) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	message := f.Message
	if message == "" {
		message = fmt.Sprintf("a fault rule answers %d", f.Status)
	}
	fail(w, r, f.Status, message)
}

// deliver writes the response that was held back; keep >= 0 cuts its body after so many bytes, 0 in half.
func (h *held) deliver(w http.ResponseWriter, keep int) {
	maps.Copy(w.Header(), h.header)
	body := h.body.Bytes()
	if h.status != http.StatusNoContent && h.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	if h.status == 0 {
		h.status = http.StatusOK
	}
	w.WriteHeader(h.status)
	if keep < 0 {
		_, _ = w.Write(body)
		return
	}
	if keep == 0 {
		keep = len(body) / 2
	}
	_, _ = w.Write(body[:min(keep, len(body))])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
