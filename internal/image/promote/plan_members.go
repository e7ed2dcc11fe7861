package promote

import (
	"context"
	"maps"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// chooseVisibility takes the widest of the predecessors', so that nobody loses the name.
func (p *Plan) chooseVisibility() {
	p.Visibility = p.Options.Visibility
	if p.Visibility != "" {
		return
	}
	order := []string{glance.Private, glance.Shared, glance.Community, glance.Public}
	widest := -1
	for _, old := range p.Predecessors {
		widest = max(widest, slices.Index(order, old.Image.Visibility))
	}
	if p.Visibility = p.Image.Visibility; widest >= 0 {
		p.Visibility = order[widest]
	}
}

// findMembers decides who gets which status on the new image. Where predecessors disagree the
// status that gives more counts.
func (p *Plan) findMembers(ctx context.Context, site Site) error {
	if p.Options.Members == None {
		return nil
	}
	status := map[string]string{}
	for n := range p.Predecessors {
		old := &p.Predecessors[n]
		if old.Image.Visibility != glance.Shared {
			continue
		}
		members, err := site.Images.Members(ctx, old.Image.ID)
		if err != nil {
			return err
		}
		old.Members = members
		for _, m := range members {
			status[m.ProjectID] = better(status[m.ProjectID], m.Status)
		}
	}
	p.answers = status
	if len(status) == 0 || p.Visibility != glance.Shared {
		return nil
	}
	now, err := membersNow(ctx, site, p.Image)
	if err != nil {
		return err
	}
	for _, project := range slices.Sorted(maps.Keys(status)) {
		want := granted(p.Options.MemberStates, status[project], now[project])
		p.Members = append(p.Members, Member{ProjectID: project, Status: want, Now: now[project]})
	}
	return p.canSetStatuses(site)
}

// granted is the status on the new image of a project that has the status old on the predecessors,
// and now on the new image.
func granted(memberStates, old, now string) string {
	want := better(old, now)
	if memberStates == Accept && want == glance.Pending {
		want = glance.Accepted
	}
	return want
}

// membersNow is the status by project id of an image's members.
func membersNow(ctx context.Context, site Site, img *glance.Image) (map[string]string, error) {
	if img.Visibility != glance.Shared {
		return map[string]string{}, nil
	}
	return site.Images.Statuses(ctx, img.ID)
}

// canSetStatuses makes sure beforehand that everybody's status can be set.
func (p *Plan) canSetStatuses(site Site) error {
	var unable []string
	for _, m := range p.Members {
		if m.Status != glance.Pending && m.Status != m.Now && !site.answersFor(m.ProjectID) {
			unable = append(unable, m.ProjectID)
		}
	}
	if len(unable) == 0 {
		return nil
	}
	return fault.New(fault.Forbidden,
		fault.Advise("name clouds with their credentials in %s, use an admin's credentials, or set %s",
			fault.Option("accept_with"), fault.Set("members", None)),
		"projects %q have to be accepted on the new image, which only they can do", unable)
}

// better is the member status of the two that gives more.
func better(a, b string) string {
	order := []string{"", glance.Rejected, glance.Pending, glance.Accepted}
	if slices.Index(order, a) > slices.Index(order, b) {
		return a
	}
	return b
}
