package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// goal is the most that ours may take of the best peer's time, or in seconds.
type goal struct{ ratio, seconds float64 }

// goals are those of a step, without and with a delay.
var goals = map[string][2]goal{
	cold:   {{ratio: 0.55}, {ratio: 0.4}},
	warm:   {{ratio: 0.9}, {ratio: 0.5}},
	labels: {{}, {seconds: 1}},
}

// table is a row for each tool of each step.
func (b *bench) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "| %d images, %d rounds | tool | time | range | here | CPU | memory | requests | MB sent | goal |\n"+
		"|---|---|---|---|---|---|---|---|---|---|\n", b.images, b.rounds)
	for n, delay := range slices.Compact([]time.Duration{0, b.delay}) {
		for _, step := range []string{cold, warm, labels} {
			b.step(&text, step, delay, goals[step][n])
		}
	}
	return text.String()
}

func (b *bench) step(text *strings.Builder, step string, delay time.Duration, g goal) {
	mine := wall(b.results[key{step, delay, ours}])
	best := time.Duration(0)
	for _, t := range tools {
		if w := wall(b.results[key{step, delay, t.name}]); t.name != ours && !t.current && w > 0 && (best == 0 || w < best) {
			best = w
		}
	}
	for _, t := range tools {
		results := b.results[key{step, delay, t.name}]
		if len(results) == 0 {
			continue
		}
		what, here, verdict := "", "", ""
		if t.name == ours {
			what, verdict = step, g.verdict(mine, best)
			if delay > 0 {
				what += fmt.Sprintf(", %s more per request", delay)
			}
		} else {
			here = fmt.Sprintf("%.2f", mine.Seconds()/wall(results).Seconds())
		}
		fmt.Fprintf(text, "| %s | %s | %.2f s | %s | %s | %s | %s |\n", what, t.name, wall(results).Seconds(), span(results), here,
			effort(results), verdict)
	}
}

func (g goal) verdict(mine, best time.Duration) string {
	var text string
	var met bool
	switch {
	case g.seconds > 0:
		text, met = fmt.Sprintf("≤ %.0f s", g.seconds), mine.Seconds() <= g.seconds
	case g.ratio > 0 && best > 0:
		text, met = fmt.Sprintf("≤ %.2f of the best", g.ratio), mine.Seconds() <= g.ratio*best.Seconds()
	default:
		return ""
	}
	if !met {
		return text + ", **missed**"
	}
	return text + ", met"
}

// wall is the median time, 0 if there is none.
func wall(results []result) time.Duration {
	return median(results, func(r result) time.Duration { return r.wall })
}

func span(results []result) string {
	by := func(a, b result) int { return cmp.Compare(a.wall, b.wall) }
	return fmt.Sprintf("%.2f–%.2f", slices.MinFunc(results, by).wall.Seconds(), slices.MaxFunc(results, by).wall.Seconds())
}

func effort(results []result) string {
	text := fmt.Sprintf("%.1f s | %.0f MiB", median(results, func(r result) time.Duration { return r.cpu }).Seconds(),
		float64(median(results, func(r result) int64 { return r.peak }))/1024)
	requests := median(results, func(r result) int64 { return r.requests })
	if requests == 0 {
		return text + " | |"
	}
	return text + fmt.Sprintf(" | %d | %.0f", requests, float64(median(results, func(r result) int64 { return r.sent }))/1e6)
}

func median[T cmp.Ordered](results []result, of func(result) T) (m T) {
	var all []T
	for _, r := range results {
		all = append(all, of(r))
	}
	if len(all) == 0 {
		return m
	}
	slices.Sort(all)
	return all[len(all)/2]
}
