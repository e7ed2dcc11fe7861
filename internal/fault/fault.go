// Package fault names the kinds of failure. A kind travels with an error from where it is
// known to the program's edge, where it becomes an exit code and a hint in one place.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an error is, as the caller has to react to it.
type Kind int

// The kinds of failure. Internal is everything that has no better name.
const (
	Internal Kind = iota
	NotFound
	Ambiguous
	Forbidden
	Quota
	Conflict
	Usage
	Partial
	Drift
	Unavailable
	Cancelled
)

var kinds = map[Kind]struct {
	name string
	exit int
}{
	Internal:    {"internal", 1},
	NotFound:    {"not found", 4},
	Ambiguous:   {"ambiguous", 5},
	Forbidden:   {"forbidden", 6},
	Quota:       {"quota", 7},
	Conflict:    {"conflict", 1},
	Usage:       {"usage", 2},
	Partial:     {"partial", 3},
	Drift:       {"drift", 8},
	Unavailable: {"unavailable", 1},
	Cancelled:   {"cancelled", 130},
}

// String is the kind's name in lower case, such as "not found".
func (k Kind) String() string { return kinds[k].name }

// Error is an error of a known kind with a hint on what to do next, which may be empty.
type Error struct {
	Kind Kind
	Hint string
	Err  error
}

// Error gives the message, with the hint behind a semicolon.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + "; " + e.Hint
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of the kind; format and args are fmt.Errorf's.
func New(kind Kind, hint, format string, args ...any) error {
	return &Error{Kind: kind, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// Wrap gives err a kind and a hint; nil stays nil.
func Wrap(kind Kind, hint string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Hint: hint, Err: err}
}

// KindOf is the outermost kind in err's chain, Internal where there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Hint is the outermost hint in err's chain, "" where there is none.
func Hint(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}

// ExitCode is the process exit status that stands for err: 0 for nil, else the kind's.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return kinds[KindOf(err)].exit
}
