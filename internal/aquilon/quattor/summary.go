package quattor

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Summary is what a configure run reported about its components.
type Summary struct {
	Components []Component
	// Errors and Warnings are the run's totals; Complete says whether the run gave them.
	Errors, Warnings int
	Complete         bool
}

// Component is one component's result.
type Component struct {
	Name             string
	Errors, Warnings int
}

// Lines that ncm-ncd writes, preceded by a level such as [INFO] or [OK].
var (
	componentLine = regexp.MustCompile(`configure on component (\S+) executed, (\d+) errors?, (\d+) warnings?`)
	totalLine     = regexp.MustCompile(`(\d+) errors?, (\d+) warnings? executing configure`)
)

// read takes one line of a configure run's output.
func (s *Summary) read(line string) {
	if m := componentLine.FindStringSubmatch(line); m != nil {
		c := Component{m[1], number(m[2]), number(m[3])}
		if i := slices.IndexFunc(s.Components, func(x Component) bool { return x.Name == c.Name }); i >= 0 {
			s.Components[i] = c
			return
		}
		s.Components = append(s.Components, c)
		return
	}
	if m := totalLine.FindStringSubmatch(line); m != nil {
		s.Errors, s.Warnings, s.Complete = number(m[1]), number(m[2]), true
	}
}

// number reads digits; a number too large for an int becomes the largest int.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return int(^uint(0) >> 1)
	}
	return n
}

// failing are the components with errors, as "name (count)".
func (s *Summary) failing() string {
	return s.list(func(c Component) int { return c.Errors })
}

func (s *Summary) list(count func(Component) int) string {
	var all []string
	for _, c := range s.Components {
		if n := count(c); n > 0 {
			all = append(all, fmt.Sprintf("%s (%d)", c.Name, n))
		}
	}
	return strings.Join(all, ", ")
}

// String is the summary in one line, for the build's log.
func (s *Summary) String() string {
	if len(s.Components) == 0 && !s.Complete {
		return "configure reported no components"
	}
	text := fmt.Sprintf("%d components configured, %d errors, %d warnings", len(s.Components), s.Errors, s.Warnings)
	if !s.Complete {
		text = fmt.Sprintf("%d components configured", len(s.Components))
	}
	if names := s.failing(); names != "" {
		text += "; errors in " + names
	}
	if names := s.list(func(c Component) int { return c.Warnings }); names != "" {
		text += "; warnings in " + names
	}
	return text
}
