package nodepool

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Severity of a problem.
const (
	Error   = "error"   // nodepool refuses the file, or fails when it uses it
	Warning = "warning" // it is allowed, but probably not meant
	Note    = "note"
)

// Problem is something that is wrong with a configuration.
type Problem struct {
	Line, Column int
	Severity     string
	Path         string // such as providers/rax-iad/pools/main/max-servers
	Message      string
}

// maxProblems is how many problems are reported; a file of another kind has thousands.
const maxProblems = 500

// Validate checks the file against nodepool's schema, and what its parts refer to. The problems are in the order of
// the file.
func (c *Config) Validate() []Problem {
	k := &checker{}
	k.mapping(c.tree, "", topLevel)
	k.references(c.tree)
	slices.SortStableFunc(k.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	// What an anchor holds is checked at each of its aliases.
	return slices.CompactFunc(k.problems, func(a, b Problem) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}

// Verdict is the error of a file with problems: nil if there are no errors, and, if strict, no warnings.
func (c *Config) Verdict(problems []Problem, strict bool) error {
	bad := 0
	var first Problem
	for _, p := range problems {
		if p.Severity != Error && (p.Severity != Warning || !strict) {
			continue
		}
		if bad++; bad == 1 {
			first = p
		}
	}
	if bad == 0 {
		return nil
	}
	more := ""
	if bad > 1 {
		more = fmt.Sprintf(", and %d more", bad-1)
	}
	return fault.New(fault.Internal, "", "%s:%d:%d: %s%s", c.Path, first.Line, first.Column, first.Message, more)
}

type checker struct{ problems []Problem }

func (k *checker) add(v *foreignfile.Value, severity, path, format string, args ...any) {
	k.addAt(v.Line, v.Column, severity, path, format, args...)
}

func (k *checker) addAt(line, column int, severity, path, format string, args ...any) {
	if len(k.problems) < maxProblems {
		k.problems = append(k.problems, Problem{line, column, severity, strings.TrimPrefix(path, "/"), fmt.Sprintf(format, args...)})
	}
}

// rule checks a value.
type rule func(k *checker, v *foreignfile.Value, path string)

// shape is what a mapping may hold.
type shape struct {
	keys     map[string]rule
	required []string
	only     [][]string // of each group at most one key
	some     [][]string // of each group at least one key
}

func (k *checker) mapping(v *foreignfile.Value, path string, s shape) {
	if v.Kind != foreignfile.Map {
		k.add(v, Error, path, "a mapping is expected here, not %s", v.Kind)
		return
	}
	for _, p := range v.Pairs {
		if p.Duplicate {
			k.addAt(p.Line, p.Column, Error, path, "%q is given more than once; nodepool only uses the last one", p.Key)
		}
		check, known := s.keys[p.Key]
		if !known {
			k.addAt(p.Line, p.Column, Error, path, "%q is unknown here%s", p.Key, meant(p.Key, sortedKeys(s.keys)))
			continue
		}
		if p.Value.IsNull() {
			k.addAt(p.Line, p.Column, Error, path+"/"+p.Key, "%s: it is empty", p.Key)
			continue
		}
		check(k, p.Value, path+"/"+p.Key)
	}
	for _, key := range s.required {
		if v.Get(key) == nil {
			k.add(v, Error, path, "%s: it is missing", key)
		}
	}
	for _, group := range s.only {
		if given := given(v, group); len(given) > 1 {
			k.add(v.Get(given[1]), Error, path, "%s and %s exclude each other", given[0], given[1])
		}
	}
	for _, group := range s.some {
		if len(given(v, group)) == 0 {
			k.add(v, Error, path, "%s is missing", strings.Join(group, " or "))
		}
	}
}

func given(v *foreignfile.Value, keys []string) (all []string) {
	for _, key := range keys {
		if v.Get(key) != nil {
			all = append(all, key)
		}
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for key := range m {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// meant suggests the known word that is most like the given one.
func meant(given string, known []string) string {
	if near := foreignfile.Nearest(given, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}
