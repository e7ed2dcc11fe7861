package promote

import (
	"context"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// ResumePlan is what dead runs left of promotions of one name, and what settles it.
type ResumePlan struct {
	Name       string
	Owner      string // project id
	Unfinished []Unfinished
	last       int // the highest claim known to be taken
}

// NewResume finds out what is left of promotions of the owner's name.
func NewResume(ctx context.Context, site Site, owner, name string) (*ResumePlan, error) {
	if name == "" {
		return nil, errNoName
	}
	p := &ResumePlan{Name: name, Owner: owner}
	marked, err := site.Images.Images(ctx, glance.Query{Owner: owner, BothHidden: true, Properties: map[string]string{promotingKey: name}})
	if err != nil {
		return nil, err
	}
	for _, img := range marked {
		if u := unfinishedOf(img); u != nil {
			p.Unfinished = append(p.Unfinished, *u)
		}
	}
	past, err := NewHistory(ctx, site, owner, name)
	for _, e := range past {
		p.last = max(p.last, e.Generation)
	}
	return p, err
}

// Done reports whether there is nothing to settle.
func (p *ResumePlan) Done() bool { return len(p.Unfinished) == 0 }

// Changes tells what is going to be settled, a line each.
func (p *ResumePlan) Changes() []string {
	var lines []string
	for _, u := range p.Unfinished {
		if u.Problem != nil {
			lines = append(lines, fmt.Sprintf("image %s: its promotion to %q can't be settled: %v", u.Image, u.Name, u.Problem))
			continue
		}
		lines = append(lines, fmt.Sprintf("image %s: its promotion to %q by run %s is %s", u.Image, u.Name, u.Run, u.Settled))
	}
	return lines
}

// Resume settles what the plan lists: a promotion whose image is live already is finished, any
// other is rolled back. It waits for a run that is still at work until the timeout.
func Resume(ctx context.Context, site Site, p *ResumePlan, timeout time.Duration, rep report.Reporter) error {
	if p.Done() {
		_, err := livingClaim(ctx, site, p.Owner, p.Name, "") // a run may have died giving it back
		return err
	}
	r := &run{site: site, rep: rep}
	ctx, end := r.begin(ctx, timeout)
	defer end()
	if err := r.acquire(ctx, p.Owner, p.Name, p.last); err != nil {
		return err
	}
	err := recoverName(ctx, site, p.Owner, p.Name, rep)
	if err != nil {
		err = stopped(ctx, "settling what a dead run left", err)
	}
	return err
}
