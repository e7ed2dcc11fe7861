package retention

import "github.com/imgctl/packer-plugin-openstack/internal/schedule"

// Record adds to a run's report what became of the plan.
func (p *Plan) Record(r *schedule.Run) {
	var size, staged, used, pending float64
	for _, e := range p.Images {
		size += float64(e.Size)
		if e.Stage != "" {
			staged++
		}
		if len(e.Users) > 0 {
			used++
		}
		if e.Action == "" {
			continue
		}
		if e.outcome != Done {
			pending++
		}
		reason := e.Reason
		if e.problem != nil {
			reason = e.problem.Error()
		}
		r.Add(schedule.Item{ID: e.ID, Name: e.Name, Action: e.Action, Outcome: e.outcome, Reason: reason})
	}
	r.Gauges = map[string]float64{
		"images": float64(len(p.Images)), "images_bytes": size, "images_staged": staged, "images_used": used, "images_pending": pending,
		"sources_absent": float64(len(p.Absent)),
	}
}
