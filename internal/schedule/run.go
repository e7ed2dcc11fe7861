// Package schedule holds what runs that nobody watches have in common: systemd units and cron lines that start
// them, a report of each run as JSON, and metrics for Prometheus.
package schedule

import (
	"encoding/json"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// Run is the report of one run.
type Run struct {
	Version  int       `json:"version"`
	Subject  string    `json:"subject"` // what ran, such as "retention"
	Name     string    `json:"name"`    // of its policy, file or the like
	Cloud    string    `json:"cloud"`
	ID       string    `json:"id"` // the run's id, which is in the logs
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended"`
	ExitCode int       `json:"exit_code"`
	Kind     string    `json:"kind,omitempty"`  // of the error, such as "partial"
	Error    string    `json:"error,omitempty"` // "" if the run succeeded
	// Counts are how many items each action had for an outcome.
	Counts []Count `json:"counts"`
	// Gauges are values of the subject's own, by names such as images_bytes.
	Gauges map[string]float64 `json:"gauges,omitempty"`
	// Help says what the gauges are, by the same names; it is the metrics' HELP text.
	Help  map[string]string `json:"-"`
	Items []Item            `json:"items"` // that the run did, or would do, something with
}

// Count is how many items had an outcome.
type Count struct {
	Action  string `json:"action"`
	Outcome string `json:"outcome"`
	Items   int    `json:"items"`
}

// Item is what a run did to one thing.
type Item struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Action  string `json:"action"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
}

const version = 1

// Begin is the report of a run that starts now.
func Begin(subject, name, cloud, id string) *Run {
	return &Run{
		Version: version, Subject: subject, Name: name, Cloud: cloud, ID: id, Started: time.Now().UTC().Truncate(time.Millisecond),
		Counts: []Count{}, Items: []Item{},
	}
}

// Add adds an item, and counts it.
func (r *Run) Add(i Item) {
	r.Items = append(r.Items, i)
	for n := range r.Counts {
		if c := &r.Counts[n]; c.Action == i.Action && c.Outcome == i.Outcome {
			c.Items++
			return
		}
	}
	r.Counts = append(r.Counts, Count{i.Action, i.Outcome, 1})
}

// Succeeded reports whether the run did all that it had to.
func (r *Run) Succeeded() bool { return r.ExitCode == 0 }

// End completes the report: err is the run's error, nil for none.
func (r *Run) End(err error) {
	r.Ended, r.ExitCode = time.Now().UTC().Truncate(time.Millisecond), fault.ExitCode(err)
	if err != nil {
		r.Kind, r.Error = fault.Outcome(err).String(), err.Error()
	}
}

// WriteJSON writes the report to a file, all or nothing. The file's folder has to exist.
func (r *Run) WriteJSON(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Replace(file, 0o644, append(text, '\n'))
}
