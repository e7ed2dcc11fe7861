package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/test/bench/record"
)

// row is one line of the comparison; less is better in all of them.
type row struct {
	what         string
	theirs, ours float64
	unit         string
	goal         float64 // the most that ours may be; -1 is no goal
}

func compare(theirs, ours, none *plugin, crowds []row) string {
	own := func(p *plugin) float64 { return seconds(p.validate) - seconds(none.validate) }
	rows := []row{
		{"whole build", seconds(theirs.wall), seconds(ours.wall), "s", 3.5},
		{"CPU time of a build", seconds(theirs.cpu), seconds(ours.cpu), "s", 2},
		{"requests of a build", median(theirs.requests), median(ours.requests), "", 1.2 * median(theirs.requests)},
		{"connections of a build", median(theirs.connections), median(ours.connections), "", median(theirs.connections)},
		{"connections to one service, at most", theirs.perEndpoint, ours.perEndpoint, "", 3},
		{"`packer validate`", seconds(theirs.validate), seconds(ours.validate), "s", seconds(theirs.validate) / 2},
		{"of that, beyond a plugin without a component", own(theirs), own(ours), "s", own(theirs) / 2},
		{"requests of `packer validate`", theirs.validateRequests, ours.validateRequests, "", 0},
		{"`describe`", 1000 * seconds(theirs.describe), 1000 * seconds(ours.describe), "ms", 1000 * seconds(theirs.describe)},
		{"size of the plugin", mib(theirs.size), mib(ours.size), "MiB", mib(theirs.size)},
	}
	rows = append(rows, crowds...)
	return render(fmt.Sprintf("median of %d builds", len(ours.wall)), "HashiCorp 1.1.4", rows)
}

func render(title, peer string, rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %s | here | ratio | goal |\n|---|---|---|---|---|\n", title, peer)
	for _, r := range rows {
		fmt.Fprintln(&b, r)
	}
	return b.String()
}

func (r row) String() string {
	ratio, verdict := "–", "≤ "+r.number(r.goal)+", met"
	switch part := r.ours / r.theirs; {
	case r.theirs <= 0:
	case part > 0 && part < 0.05:
		ratio = fmt.Sprintf("1/%.0f", 1/part)
	default:
		ratio = fmt.Sprintf("%.2f", part)
	}
	switch {
	case r.goal < 0:
		verdict = "–"
	case r.ours > r.goal:
		verdict = "≤ " + r.number(r.goal) + ", **missed**"
	}
	theirs := "–"
	if r.theirs > 0 || r.unit == "" {
		theirs = r.number(r.theirs)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", r.what, theirs, r.number(r.ours), ratio, verdict)
}

func (r row) number(v float64) string {
	text := fmt.Sprintf("%.2f", v)
	if v == float64(int(v)) {
		text = fmt.Sprintf("%.0f", v)
	}
	return strings.TrimSpace(text + " " + r.unit)
}

func seconds(all []time.Duration) float64 { return median(all).Seconds() }

func mib(size int64) float64 { return float64(size) / (1 << 20) }

func median[T cmp.Ordered](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// write puts the table between the marks of a file, with the day it was made.
func write(path, mark, table string) error { return record.Into(path, mark, mark+"-record", table) }
