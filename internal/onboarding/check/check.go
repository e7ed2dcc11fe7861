// Package check holds a cloud that is donated to CI against what CI needs of it: each requirement is a check with
// an id, how serious it is, what was found, and what to do about it.
//
// Checks only read. An active check also uploads images and boots a server, and removes both.
package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Severity is what it means if a check isn't met.
type Severity string

// The severities.
const (
	Must Severity = "must" // the cloud can't be used
	Warn Severity = "warn" // it can, but worse
	Info Severity = "info" // it is only told
	Off  Severity = "off"  // the check is left out
)

// Status is how a check ended.
type Status string

// The statuses.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"  // a must isn't met
	Warning Status = "warning" // something less isn't met, or only just
	Note    Status = "note"    // there is something to know
	Later   Status = "later"   // launching the cloud will do it
	Unknown Status = "unknown" // it couldn't be found out
	Skipped Status = "skipped" // it needs something that wasn't asked for
)

// Statuses are all of them, the worst first.
var Statuses = []Status{Failed, Unknown, Warning, Later, Note, Skipped, Passed}

// Result is one check of one cloud, in one region.
type Result struct {
	ID       string
	Title    string // what is required
	Cloud    string
	Region   string // "" for what all regions have in common
	Severity Severity
	Status   Status
	Evidence string
	Remedy   fault.Advice
	Took     time.Duration
}

// Report is what was found.
type Report struct {
	Profile  *Profile
	Cloud    string // of the test nodes' project
	Control  string // of the mirror's project; "" if none was named
	At       time.Time
	Run      string // of an active check; "" of one that only read
	Results  []Result
	Strict   bool          // warnings count as failures
	Spelling fault.Speller // of the user
}

// Count is how many results have the status.
func (r *Report) Count(s Status) int {
	n := 0
	for _, x := range r.Results {
		if x.Status == s {
			n++
		}
	}
	return n
}

// Err is the verdict: nil if the cloud has all that is a must. A requirement that isn't met is fault.Conflict; one
// that couldn't be looked at is fault.Partial.
func (r *Report) Err() error {
	bad := []Status{Failed}
	if r.Strict {
		bad = append(bad, Warning)
	}
	if ids := r.ids(bad...); len(ids) > 0 {
		return fault.New(fault.Conflict, "do what the column Remedy says, and check again", "cloud %q doesn't meet %s of profile %s: %s",
			r.Cloud, count(len(ids), "requirement"), r.Profile.Name, strings.Join(ids, ", "))
	}
	if ids := r.ids(Unknown); len(ids) > 0 {
		return fault.New(fault.Partial, "see the column Evidence", "%s of cloud %q couldn't be made: %s", count(len(ids), "check"), r.Cloud,
			strings.Join(ids, ", "))
	}
	return nil
}

// ids are the checks that have one of the statuses; of those that are unknown, only the musts.
func (r *Report) ids(statuses ...Status) []string {
	var all []string
	for _, x := range r.Results {
		if !slices.Contains(statuses, x.Status) || x.Status == Unknown && x.Severity != Must {
			continue
		}
		id := x.ID
		if x.Region != "" && r.regions() > 1 {
			id += " in " + x.Region
		}
		all = append(all, id)
	}
	return all
}

func (r *Report) regions() int {
	seen := map[string]bool{}
	for _, x := range r.Results {
		seen[x.Region] = x.Region != ""
	}
	delete(seen, "")
	return len(seen)
}

// Rows are the results: check, region, severity, status, what, evidence and remedy.
func (r *Report) Rows() []change.Row {
	rows := make([]change.Row, 0, len(r.Results))
	for _, x := range r.Results {
		rows = append(rows, change.Row{
			{Key: "check", Value: x.ID},
			{Key: "region", Value: x.Region},
			{Key: "severity", Value: string(x.Severity)},
			{Key: "status", Value: string(x.Status)},
			{Key: "what", Value: x.Title},
			{Key: "evidence", Value: x.Evidence},
			{Key: "remedy", Value: r.remedy(x)},
		})
	}
	return rows
}

// remedy is the result's advice in the user's words.
func (r *Report) remedy(x Result) string {
	if x.Remedy.IsZero() {
		return ""
	}
	if r.Spelling == nil {
		return x.Remedy.String()
	}
	return x.Remedy.Spell(r.Spelling)
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// verdict is what a check says, before its severity makes a status of it.
type verdict int

const (
	met verdict = iota
	unmet
	barely // enough to work with, but less than required
	told   // nothing can be required
	later  // the launch does it
	unclear
	skipped
)

// finding is what a check has found.
type finding struct {
	verdict  verdict
	evidence string
	remedy   fault.Advice
}

func found(v verdict, remedy fault.Advice, format string, args ...any) finding {
	return finding{v, fmt.Sprintf(format, args...), remedy}
}

func pass(format string, args ...any) finding { return found(met, fault.Advice{}, format, args...) }

// unknown is the finding of a check that needs what couldn't be read.
func unknown(err error) finding {
	kind := fault.KindOf(err)
	remedy := fault.Advise("try again later")
	switch kind {
	case fault.Forbidden:
		remedy = fault.Advise("grant the user permission to read it")
	case fault.NotFound:
		remedy = fault.Advise("add the service to the cloud's catalog")
	}
	return finding{unclear, plain(err), remedy}
}

// plain is an error's message without its advice: what to do is the remedy's.
func plain(err error) string {
	text, _ := fault.Spell(err, fault.Neutral)
	return text
}

// status is what a verdict comes to.
func (s Severity) status(v verdict) Status {
	switch v {
	case met:
		return Passed
	case barely:
		if s == Info {
			return Note
		}
		return Warning
	case told:
		return Note
	case later:
		return Later
	case unclear:
		return Unknown
	case skipped:
		return Skipped
	}
	switch s {
	case Must:
		return Failed
	case Warn:
		return Warning
	}
	return Note
}
