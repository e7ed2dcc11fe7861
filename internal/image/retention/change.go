package retention

import (
	"fmt"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Outcomes of an image, in the plan's rows.
const (
	Done     = "done"
	Skipped  = "skipped"  // it has changed, is in use, or is gone
	Failed   = "failed"   // see the error
	Reported = "reported" // the policy's first run only reports
)

// Done reports whether no image needs an action.
func (p *Plan) Done() bool {
	for _, e := range p.Images {
		if e.Action != "" {
			return false
		}
	}
	return !p.First
}

// Loss asks whether images may be deleted.
func (p *Plan) Loss() string {
	if n := p.count(Delete); n > 0 && !p.First {
		return fmt.Sprintf("Delete %d of %d images for good?", n, len(p.Images))
	}
	return ""
}

// Notes are what keeps the plan from doing more.
func (p *Plan) Notes() []fault.Advice {
	var notes []fault.Advice
	if p.First {
		notes = append(notes, fault.Advise("policy %q has not run here before, or has changed: this run only reports, the next one acts",
			p.Policy.Name))
	}
	return append(notes, p.missing()...)
}

// Rows are an image each: those with an action, or all.
func (p *Plan) Rows() []change.Row {
	var rows []change.Row
	for _, e := range p.Images {
		if e.Action != "" || p.Everything {
			rows = append(rows, p.row(e))
		}
	}
	return rows
}

func (p *Plan) row(e *Entry) change.Row {
	outcome, reason := e.outcome, e.Reason
	if e.problem != nil {
		reason = e.problem.Error()
	}
	return change.Row{
		{Key: "image_id", Value: e.ID},
		{Key: "image", Value: e.Name},
		{Key: "group", Value: e.Group},
		{Key: "stage", Value: e.Stage},
		{Key: "action", Value: e.Action},
		{Key: "reason", Value: reason},
		{Key: "outcome", Value: outcome},
		{Key: "since", Value: moment(e.Since)},
		{Key: "next", Value: e.Next},
		{Key: "next_at", Value: moment(e.NextAt)},
		{Key: "evidence", Value: strings.Join(e.Evidence, "; ")},
	}
}

// moment is a time as a row shows it, nil for none.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
