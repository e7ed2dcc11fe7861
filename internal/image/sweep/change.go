package sweep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Done reports whether nothing is left behind.
func (p *Plan) Done() bool { return len(p.Leftovers) == 0 }

// Loss asks whether what is left behind may be removed, by kind.
func (p *Plan) Loss() string {
	if p.Done() {
		return ""
	}
	var parts []string
	for _, kind := range Kinds {
		n := 0
		for _, l := range p.Leftovers {
			if l.Kind == kind {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	return fmt.Sprintf("Remove what dead runs left (%s)?", strings.Join(parts, ", "))
}

// Notes are none.
func (p *Plan) Notes() []fault.Advice { return nil }

// Apply removes what is left behind, see Apply.
func (p *Plan) Apply(ctx context.Context, rep report.Reporter) error {
	result, err := Apply(ctx, p, rep)
	p.result = &result
	return errors.Join(err, p.LeftOut())
}

// LeftOut are the kinds that couldn't be listed.
func (p *Plan) LeftOut() error {
	if p.unlisted == nil {
		return nil
	}
	return fault.Wrap(fault.Partial, "fix the causes, then sweep again", p.unlisted)
}

// Rows are a leftover each, with what was done to it.
func (p *Plan) Rows() []change.Row {
	if p.result == nil {
		return p.rows(p.Leftovers, "left")
	}
	return append(append(p.rows(p.result.Removed, "removed"), p.rows(p.result.Kept, "kept")...), p.rows(p.result.Left, "left")...)
}

func (p *Plan) rows(leftovers []*Leftover, outcome string) []change.Row {
	rows := make([]change.Row, 0, len(leftovers))
	for _, l := range leftovers {
		var age any
		if !l.Created.IsZero() {
			age = p.at.Sub(l.Created).Round(time.Second)
		}
		what := outcome
		if what == "removed" && l.Action == Release {
			what = "released"
		}
		rows = append(rows, change.Row{
			{Key: "kind", Value: l.Kind},
			{Key: "id", Value: l.ID},
			{Key: "name", Value: l.Name},
			{Key: "run", Value: string(l.Run)},
			{Key: "age", Value: age},
			{Key: "why", Value: l.Why},
			{Key: "action", Value: l.Action},
			{Key: "outcome", Value: what},
			{Key: "created", Value: l.Created},
			{Key: "deadline", Value: l.Deadline},
		})
	}
	return rows
}
