package retention

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Plan is what a policy does to a cloud's images. Making a plan only sends reads.
type Plan struct {
	Version int       `json:"version"`
	Cloud   string    `json:"cloud"`
	Project string    `json:"project"` // id of the credentials' project
	At      time.Time `json:"at"`      // the time by the cloud's clock, that ages refer to
	Policy  *Policy   `json:"policy"`
	Digest  string    `json:"digest"` // of the policy
	Absent  []Absent  `json:"absent,omitempty"`
	Images  []*Entry  `json:"images"` // all that the policy selects, by group, the newest first
	Seal    string    `json:"seal"`   // of Images, in a file

	// First says that the policy has not reported here before: applying the plan only records that it has.
	First bool `json:"-"`
	// Everything makes Rows show the images that are kept, too.
	Everything bool `json:"-"`

	site Site
}

const planVersion = 1

// NewPlan finds out what the policy does to the images now.
func NewPlan(ctx context.Context, site Site, p *Policy) (*Plan, error) {
	if err := site.mayChange(p); err != nil {
		return nil, err
	}
	selector, seen := p.selecting(site.Project), map[string]bool{}
	var records []*record
	survey, err := site.Users.Survey(ctx, func(img *glance.Image) {
		if !seen[img.ID] && selector.selects(img) { // one that is hidden meanwhile is listed twice
			seen[img.ID] = true
			records = append(records, p.recordOf(img))
		}
	}, func() { records, seen = nil, map[string]bool{} })
	if err != nil {
		return nil, err
	}
	if slices.Contains(p.MayBeMissing, OtherProjects) {
		site.closeShared(ctx, records)
	}
	d := newDecider(p, records, survey, site.Now())
	return &Plan{
		Version: planVersion, Cloud: site.Cloud, Project: site.Project, At: d.now.Truncate(time.Second), Policy: p, Digest: p.Digest(),
		Absent: survey.Absent(), Images: d.decide(records), site: site,
	}, nil
}

// mayChange refuses a policy about images that the credentials can't change.
func (s Site) mayChange(p *Policy) error {
	other := slices.ContainsFunc(p.Select.Owners, func(id string) bool { return id != s.Project })
	if other && !s.Admin {
		return fault.New(fault.Forbidden, "use credentials of that project, or leave owners out of the policy",
			"only an administrator can change the images of the projects %q", p.Select.Owners)
	}
	return nil
}

// count is the number of images that an action awaits.
func (p *Plan) count(action string) (n int) {
	for _, e := range p.Images {
		if e.Action == action {
			n++
		}
	}
	return n
}

// within is an error if the plan deletes more images than the policy's budget allows.
func (p *Plan) within() error {
	budget, n := p.Policy.Budget.of(len(p.Images)), p.count(Delete)
	if n <= budget {
		return nil
	}
	return fault.New(fault.Conflict, "look at the plan, then raise the budget in the policy, or let fewer images come due at once",
		"the plan deletes %d of %d images, more than the policy's budget of %d (%d, or %d %%): nothing is changed", n, len(p.Images),
		budget, p.Policy.Budget.Images, p.Policy.Budget.Percent)
}

// Summary says in a few words what the plan does, such as "hide 3, delete 1".
func (p *Plan) Summary() string {
	var parts []string
	for _, action := range append(slices.Clone(Actions), Reactivate) {
		if n := p.count(action); n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", action, n))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing")
}
