package watch

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Figure is one of the things that are watched.
type Figure struct {
	Name, Title, Unit string
	more              bool    // more is better
	least             float64 // a difference that is smaller is none
	value             func(Sample) (float64, bool)
}

// Figures are all of them.
var Figures = []Figure{
	{"boot", "Time until a server is active", "s", false, 10, func(s Sample) (float64, bool) { return s.Boot, s.Boots > 0 }},
	{"broken", "Servers that end in ERROR", "%", false, 5, func(s Sample) (float64, bool) {
		all := s.Boots + s.Broken
		return 100 * float64(s.Broken) / float64(max(all, 1)), all > 0
	}},
	{"api", "Time of a list (95th percentile)", "s", false, 0.5, func(s Sample) (float64, bool) { return s.API, s.API > 0 }},
	{"errors", "Requests that fail", "%", false, 1, func(s Sample) (float64, bool) {
		return 100 * float64(s.Failed) / float64(max(s.Requests, 1)), s.Requests > 0
	}},
	{"upload", "Rate of an upload", "MiB/s", true, 1, func(s Sample) (float64, bool) { return s.Upload, s.Upload > 0 }},
}

// Periods that are compared.
const (
	Today = 24 * time.Hour
	weeks = 28 * 24 * time.Hour // before it
	few   = 5                   // days that there have to be of them
)

// Verdict is how a figure of the last day compares with the weeks before.
type Verdict struct {
	Figure
	Now, Before float64 // medians; Before is that of the days' medians
	Days        int     // of the weeks before with values
	Known       bool    // there are values of the last day
	Worse       bool
}

// String says what is worse.
func (v Verdict) String() string {
	return fmt.Sprintf("%s: %.3g %s in the last day, %.3g %s before", v.Title, v.Now, v.Unit, v.Before, v.Unit)
}

// Judge compares the last day with the weeks before. A figure is worse if it is tolerance times as bad, and by more than
// what is noise; tolerance is above 1.
func (h *History) Judge(tolerance float64) []Verdict {
	var all []Verdict
	now := h.Last()
	for _, f := range Figures {
		v := Verdict{Figure: f}
		var today []float64
		days := map[int][]float64{}
		for _, s := range h.Samples {
			value, ok := f.value(s)
			age := now.Sub(s.At)
			switch {
			case !ok || age > Today+weeks:
			case age < Today:
				today = append(today, value)
			default:
				days[int(age/Today)] = append(days[int(age/Today)], value)
			}
		}
		v.Known, v.Days = len(today) > 0, len(days)
		v.Now = median(today)
		var before []float64
		for _, values := range days {
			before = append(before, median(values))
		}
		v.Before = median(before)
		if v.Known && v.Days >= few {
			if f.more {
				v.Worse = v.Now*tolerance < v.Before && v.Before-v.Now > f.least
			} else {
				v.Worse = v.Now > v.Before*tolerance && v.Now-v.Before > f.least
			}
		}
		all = append(all, v)
	}
	return all
}

func median(values []float64) float64 { return percentile(values, 50) }

// percentile is the nearest rank; 0 of no values.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	return sorted[min(len(sorted)-1, (len(sorted)*p+99)/100-1)]
}

// gauges are the names of metrics, with the figures that they are.
var gauges = map[string]struct{ figure, help string }{
	"boot_seconds":            {"boot", "Median time that servers took to become active since the last sample, in seconds."},
	"servers_broken_percent":  {"broken", "Servers that ended in an error since the last sample, in percent."},
	"list_p95_seconds":        {"api", "Time within which 95 of 100 lists of the services are answered, in seconds."},
	"requests_failed_percent": {"errors", "Requests that failed in the last sample, in percent."},
	"upload_mib_per_second":   {"upload", "Rate at which the last sample uploaded an image, in MiB per second."},
}

// Gauges are the figures of the newest sample, by the names of metrics, with what each is.
func (h *History) Gauges() (values map[string]float64, help map[string]string) {
	values, help = map[string]float64{}, map[string]string{}
	if len(h.Samples) == 0 {
		return values, help
	}
	s := h.Samples[len(h.Samples)-1]
	for name, g := range gauges {
		for _, figure := range Figures {
			if value, ok := figure.value(s); figure.Name == g.figure && ok {
				values[name], help[name] = value, g.help
			}
		}
	}
	return values, help
}
