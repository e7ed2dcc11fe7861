package sync

import (
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/schedule"
)

// Done reports whether all images are up to date, or were.
func (p *Plan) Done() bool {
	for _, i := range p.Items {
		if i.Action != None {
			return false
		}
	}
	return len(p.failed) == 0
}

// Loss is none: what is replaced is archived.
func (p *Plan) Loss() string { return "" }

// Notes are none.
func (p *Plan) Notes() []fault.Advice { return nil }

// LeftOut are the stores that couldn't be read and the images that can't be brought.
func (p *Plan) LeftOut() error {
	var errs []error
	good := 0
	for _, i := range p.Items {
		if i.Action == Refused {
			errs = append(errs, i.problem)
		} else {
			good++
		}
	}
	return p.sum(good, errs)
}

// Drift is fault.Drift if there is anything to bring.
func (p *Plan) Drift() error {
	pending := 0
	for _, i := range p.Items {
		if i.Action != None {
			pending++
		}
	}
	if pending == 0 {
		return nil
	}
	return errors.Join(fault.New(fault.Drift, fault.Advise("bring them with %s", fault.Do("sync", "apply")),
		"%d of %d images are not what the stores have", pending, len(p.Items)))
}

// Rows are an image each.
func (p *Plan) Rows() []change.Row {
	var rows []change.Row
	for _, i := range p.Items {
		if i.Action == None && !p.Everything {
			continue
		}
		rows = append(rows, change.Row{
			{Key: "image", Value: i.Name},
			{Key: "release", Value: i.Release},
			{Key: "action", Value: i.Action},
			{Key: "reason", Value: i.Reason},
			{Key: "outcome", Value: i.Outcome},
			{Key: "image_id", Value: i.ImageID},
			{Key: "size", Value: max(i.Size, 0)},
			{Key: "from", Value: i.From},
		})
	}
	return rows
}

// Record adds what the run did to its report.
func (p *Plan) Record(run *schedule.Run) {
	up := 0
	for _, i := range p.Items {
		if i.Action == None {
			up++
			continue
		}
		run.Add(schedule.Item{ID: i.ImageID, Name: i.Name, Action: i.Action, Outcome: i.Outcome, Reason: i.Reason})
	}
	run.Gauges = map[string]float64{"images": float64(len(p.Items)), "images_up_to_date": float64(up)}
}
