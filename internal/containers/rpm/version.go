package rpm

import (
	"cmp"
	"strings"
)

// EVR is an epoch, a version and a release. Epoch and release may be empty.
type EVR struct{ Epoch, Version, Release string }

// String is [EPOCH:]VERSION[-RELEASE].
func (e EVR) String() string {
	s := e.Version
	if e.Epoch != "" {
		s = e.Epoch + ":" + s
	}
	if e.Release != "" {
		s += "-" + e.Release
	}
	return s
}

// ParseEVR reads [EPOCH:]VERSION[-RELEASE].
func ParseEVR(text string) (e EVR) {
	if epoch, rest, ok := strings.Cut(text, ":"); ok && strings.Trim(epoch, "0123456789") == "" {
		e.Epoch, text = epoch, rest
		if e.Epoch == "" {
			e.Epoch = "0"
		}
	}
	e.Version = text
	if n := strings.LastIndexByte(text, '-'); n >= 0 {
		e.Version, e.Release = text[:n], text[n+1:]
	}
	return e
}

// Compare is negative if e is older than o, and positive if it is newer. No epoch is 0.
func (e EVR) Compare(o EVR) int {
	return cmp.Or(
		CompareVersions(cmp.Or(e.Epoch, "0"), cmp.Or(o.Epoch, "0")),
		CompareVersions(e.Version, o.Version), CompareVersions(e.Release, o.Release))
}

func separator(c byte) bool { return !digit(c) && !letter(c) && c != '~' && c != '^' }
func digit(c byte) bool     { return c >= '0' && c <= '9' }
func letter(c byte) bool    { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// CompareVersions compares two versions as rpm does: runs of digits by value, runs of letters by
// their bytes, digits above letters, ~ below everything, ^ above the end only.
func CompareVersions(a, b string) int {
	for {
		a, b = trimLeft(a), trimLeft(b)
		if result, more := compareMarks(a, b); result != 0 {
			return result
		} else if more {
			a, b = a[1:], b[1:]
			continue
		}
		if a == "" || b == "" {
			return cmp.Compare(len(a), len(b))
		}
		kind := letter
		if digit(a[0]) {
			kind = digit
		}
		runA, restA := run(a, kind)
		runB, restB := run(b, kind)
		if runB == "" {
			if digit(a[0]) {
				return 1
			}
			return -1
		}
		if digit(a[0]) {
			runA, runB = strings.TrimLeft(runA, "0"), strings.TrimLeft(runB, "0")
			if c := cmp.Compare(len(runA), len(runB)); c != 0 {
				return c
			}
		}
		if c := strings.Compare(runA, runB); c != 0 {
			return c
		}
		a, b = restA, restB
	}
}

// compareMarks compares where a or b begins with ~ or ^. more says that both do, with the same.
func compareMarks(a, b string) (result int, more bool) {
	tildeA, tildeB := strings.HasPrefix(a, "~"), strings.HasPrefix(b, "~")
	caretA, caretB := strings.HasPrefix(a, "^"), strings.HasPrefix(b, "^")
	switch {
	case tildeA && tildeB, caretA && caretB && !tildeA && !tildeB:
		return 0, true
	case tildeA, caretB && a == "":
		return -1, false
	case tildeB, caretA && b == "":
		return 1, false
	case caretA:
		return -1, false
	case caretB:
		return 1, false
	}
	return 0, false
}

func trimLeft(s string) string {
	for s != "" && separator(s[0]) {
		s = s[1:]
	}
	return s
}

func run(s string, kind func(byte) bool) (in, rest string) {
	n := 0
	for n < len(s) && kind(s[n]) {
		n++
	}
	return s[:n], s[n:]
}
