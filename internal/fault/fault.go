// Package fault says what failed as data: the kind of failure, the object it was about, what the
// service said, and what to do next. The data travels with the error to a door, which spells it for its
// user and picks the exit code.
package fault

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Kind is the kind of a failure, by how the caller has to react to it.
type Kind int

// The kinds of failure. Internal is everything else.
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

// Error is an error of a known kind. All other fields may be empty.
type Error struct {
	Kind Kind
	// Object is what the failure is about, such as "image web-base".
	Object string
	// Service is what the service said, and RequestIDs are the ids of the requests that it refused.
	Service    string
	RequestIDs []string
	// Advice says what to do next.
	Advice Advice
	Err    error

	message *text // the message with its references, where New made the error
}

// Error is the message, with the advice after a semicolon, in neutral spelling.
func (e *Error) Error() string {
	if e.Advice.IsZero() {
		return e.Err.Error()
	}
	return e.Err.Error() + "; " + e.Advice.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of the kind. The advice is a string, or comes from Advise if it refers to an option or
// an action. format and args are those of fmt.Errorf; an option in args is spelled by the door.
func New[A string | Advice](kind Kind, advice A, format string, args ...any) error {
	return &Error{Kind: kind, Advice: adviceOf(advice), Err: fmt.Errorf(format, args...), message: &text{format, args}}
}

// Bad makes an error of kind Usage about an option's value: the option, then what is wrong with it.
func Bad[A string | Advice](option string, advice A, format string, args ...any) error {
	return New(Usage, advice, "%s: "+format, append([]any{Option(option)}, args...)...)
}

// In says which option led to err; nil stays nil.
func In(option string, err error) error {
	if err == nil {
		return nil
	}
	return New(KindOf(err), "", "%s: %w", Option(option), err)
}

// Wrap gives err a kind and advice, which is as for New; nil stays nil.
func Wrap[A string | Advice](kind Kind, advice A, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Advice: adviceOf(advice), Err: err}
}

// About says what err's failure is about, if its outermost fault doesn't say so yet.
func About(object string, err error) error {
	known, ok := errors.AsType[*Error](err)
	if err == nil || ok && known.Object != "" {
		return err
	}
	return &Error{Kind: KindOf(err), Object: object, Err: err}
}

// KindOf is the outermost kind in err's chain, Internal if there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// ObjectOf is the object that err is about, according to its outermost fault that has one; "" if none does.
func ObjectOf(err error) (object string) {
	walk(err, func(e *Error) { object = cmp.Or(object, e.Object) })
	return object
}

// RequestIDs are the ids of all requests whose refusals are part of err, each once.
func RequestIDs(err error) (ids []string) {
	walk(err, func(e *Error) { ids = append(ids, e.RequestIDs...) })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Outcome is the kind that users are told of: that of KindOf, except that a file they named that isn't there is
// NotFound, as any other object.
func Outcome(err error) Kind {
	kind := KindOf(err)
	if kind == Usage && errors.Is(err, fs.ErrNotExist) {
		return NotFound
	}
	return kind
}

// ExitCode is the exit code for err: 0 for nil, otherwise that of its Outcome.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return kinds[Outcome(err)].exit
}

// walk visits all faults that err is made of, outermost first.
func walk(err error, visit func(*Error)) {
	if e, ok := err.(*Error); ok { //nolint:errorlint // the tree is walked node by node
		visit(e)
	}
	for _, inner := range parts(err) {
		walk(inner, visit)
	}
}

// parts are the errors that err wraps.
func parts(err error) []error {
	switch e := err.(type) { //nolint:errorlint // the tree is walked node by node
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return []error{inner}
		}
	}
	return nil
}
