// Package quantity reads durations, times and sizes as people write them. imgctl's flags, the
// options of its Packer plugins and its files all use it, so that 7d12h means the same everywhere.
package quantity

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Span is a duration. Months have no fixed length, so they are kept separately.
type Span struct {
	Months int
	Rest   time.Duration // days, of 24 hours, and all that is shorter
}

const (
	day   = 24 * time.Hour
	month = 30 * day
	most  = 100 * 365 * day // a longer time is a typing error
)

var (
	whole = regexp.MustCompile(`^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[a-zµμ]+)(?:(?:\d+(?:\.\d*)?|\.\d+)[a-zµμ]+)*$`)
	part  = regexp.MustCompile(`(\d+(?:\.\d*)?|\.\d+)([a-zµμ]+)`)
)

// units are those that time.ParseDuration doesn't know, or whose length depends on the calendar.
var units = map[string]struct {
	months int
	length time.Duration
}{
	"y": {months: 12}, "mo": {months: 1}, "w": {length: 7 * day}, "d": {length: day},
}

// ParseSpan reads a duration such as 90s, 36h, 30d, 7d12h, 1.5d, 2w, 12mo or 1y. Each part
// is a number with a unit (ns, us, ms, s, m, h, d, w, mo, y); months and years are whole. The only
// number without a unit is 0.
func ParseSpan(text string) (Span, error) {
	if text == "0" {
		return Span{}, nil
	}
	if !whole.MatchString(text) {
		return Span{}, fmt.Errorf("%q is not a duration such as 90s, 36h, 7d12h or 12mo", text)
	}
	var s Span
	for _, p := range part.FindAllStringSubmatch(text, -1) {
		number, unit := p[1], p[2]
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return Span{}, fmt.Errorf("%q is not a number", number)
		}
		u, ours := units[unit]
		switch {
		case !ours:
			d, err := time.ParseDuration(number + unit)
			if err != nil {
				return Span{}, fmt.Errorf("%q has an unknown unit %q, or is too long", text, unit)
			}
			s.Rest += d
		case u.months > 0 && n != math.Trunc(n):
			return Span{}, fmt.Errorf("%q: a part of a month or year has no fixed length", text)
		case n*float64(u.length+time.Duration(u.months)*month) > float64(most):
			return Span{}, fmt.Errorf("%q is longer than 100 years", text)
		default:
			s.Months += int(n) * u.months
			s.Rest += time.Duration(n * float64(u.length))
		}
		if s.Rest < 0 || s.Length() > most {
			return Span{}, fmt.Errorf("%q is longer than 100 years", text)
		}
	}
	if strings.HasPrefix(text, "-") {
		s.Months, s.Rest = -s.Months, -s.Rest
	}
	return s, nil
}

// Length is the span as a duration for what knows no calendar: a year is 365 days, and a month that
// isn't part of a year 30.
func (s Span) Length() time.Duration {
	return time.Duration(s.Months/12)*365*day + time.Duration(s.Months%12)*month + s.Rest
}

// From is t plus the span, by the calendar. A day that the month doesn't have becomes its last day.
func (s Span) From(t time.Time) time.Time {
	if s.Months != 0 {
		first := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location()).AddDate(0, s.Months, 0)
		last := first.AddDate(0, 1, -1).Day()
		t = first.AddDate(0, 0, min(t.Day(), last)-1)
	}
	return t.Add(s.Rest)
}

// ParseDuration is ParseSpan for what knows no calendar: see Span.Length.
func ParseDuration(text string) (time.Duration, error) {
	s, err := ParseSpan(text)
	return s.Length(), err
}

// ParseTime reads a time: RFC 3339, or the local date or time without a zone.
func ParseTime(text string) (time.Time, error) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04",
		time.DateOnly,
	} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 2026-01-31, 2026-01-31T12:00 or 2026-01-31T12:00:00Z", text)
}

// ParseWhen reads a time, or a length of time that is counted from now.
func ParseWhen(text string, now time.Time) (time.Time, error) {
	if t, err := ParseTime(text); err == nil {
		return t, nil
	}
	s, err := ParseSpan(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a time such as 2027-01-31T00:00:00Z nor a duration such as 30d, 7d12h or 12mo", text)
	}
	return s.From(now), nil
}

// multiples of a byte. K, M, G and T are binary, as in qemu-img and in OpenStack's sizes.
var multiples = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
}

// ParseBytes reads a size such as 512, 10M, 1.5GiB or 4GB; without a unit it is bytes.
func ParseBytes(text string) (int64, error) {
	digits := strings.TrimRight(text, "bBiIkKmMgGtT")
	multiple, ok := multiples[strings.ToLower(strings.TrimSpace(text[len(digits):]))]
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if !ok || err != nil || n < 0 || math.IsNaN(n) || n*multiple >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a size such as 512, 10M or 4GiB", text)
	}
	return int64(n * multiple), nil
}
