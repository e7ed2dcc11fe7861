package decide

import (
	"fmt"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// pattern is an include or exclude: a regular expression as Python's re.search takes it.
type pattern struct {
	text    string
	matches func(string) (bool, error)
	used    bool
}

// matchTime bounds one match of an expression that Go's own library doesn't know.
const matchTime = time.Second

// compile prefers Go's expressions, whose time is bounded; those with look-arounds or back
// references are left to a library that backtracks, as Python does, until its time is up.
func compile(what string, texts []string) ([]*pattern, error) {
	var all []*pattern
	for _, text := range texts {
		if re, err := regexp.Compile(text); err == nil {
			all = append(all, &pattern{text: text, matches: func(s string) (bool, error) { return re.MatchString(s), nil }})
			continue
		}
		re, err := regexp2.Compile(text, regexp2.None)
		if err != nil {
			return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("%s: %q is no regular expression: %w", what, text, err))
		}
		re.MatchTimeout = matchTime
		var slow atomic.Bool
		all = append(all, &pattern{text: text, matches: func(s string) (bool, error) {
			if slow.Load() {
				return false, fault.New(fault.Usage, "", "%s: %q takes too long to match", what, text)
			}
			ok, err := re.MatchString(s)
			if err != nil {
				slow.Store(true)
				return false, fault.New(fault.Usage, "", "%s: %q takes too long to match", what, text)
			}
			return ok, nil
		}})
	}
	return all, nil
}

// first is the first pattern that matches anywhere in the name, nil if none does.
func first(patterns []*pattern, name string) (*pattern, error) {
	for i, p := range patterns {
		ok, err := p.matches(name)
		if err != nil {
			return nil, err
		}
		if ok {
			p.used = true
			alsoUsed(patterns[i+1:], name)
			return p, nil
		}
	}
	return nil, nil
}

// alsoUsed marks the patterns that match an image for which one before them counts.
func alsoUsed(patterns []*pattern, name string) {
	for _, p := range patterns {
		if !p.used {
			ok, err := p.matches(name)
			p.used = ok || err != nil // what can't be told isn't told, nor tried again
		}
	}
}
