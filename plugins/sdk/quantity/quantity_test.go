package quantity_test

import (
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

const day = 24 * time.Hour

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond,
		"30d": 30 * day, "7d12h": 7*day + 12*time.Hour, "1.5d": 36 * time.Hour, "2w": 14 * day, "1d2h3m4s": day + 2*time.Hour +
			3*time.Minute + 4*time.Second,
		"12mo": 365 * day, "1y": 365 * day, "1mo": 30 * day, "1mo1d": 31 * day, "-6h": -6 * time.Hour, "-1d12h": -36 * time.Hour,
		".5h":    30 * time.Minute,
		"36500d": 36500 * day,
	} {
		if got, err := quantity.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "1", "d", "h", "1x", "1.5mo", "0.5y", "1d-2h", "1 d", "1d 2h", "1e3s", "NaNd", "Infd", "36501d", "101y",
		"9999999999999999999999d", "1D", "--1d", "1..5d",
	} {
		if got, err := quantity.ParseDuration(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestSpansCountByTheCalendar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, span, want string }{
		{"2026-01-31T12:00:00Z", "1mo", "2026-02-28T12:00:00Z"},
		{"2024-02-29T00:00:00Z", "1y", "2025-02-28T00:00:00Z"},
		{"2026-01-15T00:00:00Z", "12mo", "2027-01-15T00:00:00Z"},
		{"2026-03-31T00:00:00Z", "-1mo", "2026-02-28T00:00:00Z"},
		{"2026-01-01T00:00:00Z", "1mo1d12h", "2026-02-02T12:00:00Z"},
	} {
		from, _ := time.Parse(time.RFC3339, c.from)
		got, err := quantity.ParseWhen(c.span, from)
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%s from %s is %s (%v), want %s", c.span, c.from, got.Format(time.RFC3339), err, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for text, want := range map[string]time.Time{
		"2027-01-31T00:00:00Z":      time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		"2027-01-31T00:00:00+02:00": time.Date(2027, 1, 30, 22, 0, 0, 0, time.UTC),
		"2027-01-31":                time.Date(2027, 1, 31, 0, 0, 0, 0, time.Local),
		"2027-01-31 12:30":          time.Date(2027, 1, 31, 12, 30, 0, 0, time.Local),
	} {
		if got, err := quantity.ParseWhen(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %s (%v)", text, got, err)
		}
	}
	for _, text := range []string{"", "tomorrow", "2027-02-30", "2027"} {
		if got, err := quantity.ParseWhen(text, now); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "512": 512, "10M": 10 << 20, "1.5GiB": 3 << 29, "4GB": 4e9, "1 k": 1 << 10, "7b": 7} {
		if got, err := quantity.ParseBytes(text); err != nil || got != want {
			t.Errorf("%q is %d (%v)", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "M", "1x", "1Ki", "NaN", "1e30", "9999999TiB"} {
		if got, err := quantity.ParseBytes(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func FuzzSpan(f *testing.F) {
	for _, seed := range []string{"7d12h", "12mo", "1.5d", "-1y", "999999999999999999999d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := quantity.ParseSpan(text)
		if l := s.Length(); err == nil && (l > 101*365*day || l < -101*365*day) {
			t.Errorf("%q is %s", text, l)
		}
	})
}
