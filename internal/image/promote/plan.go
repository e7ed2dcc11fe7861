package promote

import (
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Plan is what a promotion is going to change. Making one only reads.
type Plan struct {
	Options      Options
	Image        *glance.Image   // the image that becomes current
	Name         string          // under this name
	Owner        string          // project id, the image's
	Predecessors []Predecessor   // images that are archived, newest first
	Fresh        []*glance.Image // newer images of the name that never were current; left alone
	Members      []Member        // projects that the new image is shared with
	Visibility   string          // the new image's at the end
	Properties   map[string]string
	Prune        []*glance.Image // archived images that are deleted
	Unfinished   []*glance.Image // whose promotion under this name a dead run left
	last         int             // the highest claim known to be taken
	at           time.Time       // of archiving
}

// Predecessor is an image that gets archived.
type Predecessor struct {
	Image   *glance.Image
	Archive string // the name it gets
	Members []glance.Member
}

// Member is a project that keeps its access to the name.
type Member struct {
	ProjectID string
	Status    string // that it is going to have on the new image
	Now       string // that it has on the new image, "" where it isn't a member yet
}

// NewPlan finds out what a promotion has to change.
func NewPlan(ctx context.Context, site Site, o Options) (*Plan, error) {
	o = o.withDefaults()
	img, err := site.Images.Image(ctx, o.ImageID)
	if err != nil {
		return nil, fault.In("image_id", err)
	}
	p := &Plan{Options: o, Image: img, Name: o.Name, Owner: img.Owner, at: time.Now().UTC().Truncate(time.Second)}
	if p.Name == "" {
		p.Name = ownName(img)
	}
	if err := p.admissible(site); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, Site) error{
		p.findUnfinished, p.findPredecessors, p.chooseVisibility, p.findMembers, p.findPrune,
	} {
		if err := step(ctx, site); err != nil {
			return nil, err
		}
	}
	p.copyProperties()
	return p, nil
}

// ownName is the name that an image is promoted under by default: the one it had before another
// promotion archived it.
func ownName(img *glance.Image) string {
	if from := img.Properties[ArchivedFromKey]; from != "" {
		return from
	}
	return img.Name
}

func (p *Plan) admissible(site Site) error {
	switch img := p.Image; {
	case p.Name == "":
		return fault.New(fault.Usage, fault.Advise("set %s", fault.Option("image_name")), "image %s has no name to promote it under", img.ID)
	case img.Status == glance.StatusDeactivated && p.Options.Reactivate:
	case img.Status != glance.StatusActive:
		return fault.New(fault.Conflict, "promote it when it is active", "image %s has status %q", img, img.Status)
	case img.Owner != site.Project && !site.Admin:
		return fault.New(fault.Forbidden, "use credentials of that project", "image %s belongs to project %s, the credentials to project %s", img, img.Owner, site.Project)
	}
	return nil
}

// findUnfinished looks for what dead runs left under this name.
func (p *Plan) findUnfinished(ctx context.Context, site Site) error {
	found, err := site.Images.Images(ctx, glance.Query{
		Owner: p.Owner, BothHidden: true, Properties: map[string]string{promotingKey: p.Name},
	})
	p.Unfinished = found
	j, e := journalOf(p.Image)
	switch {
	case err != nil:
		return err
	case e != nil:
		return e
	case j != nil && j.Name != p.Name:
		return fault.New(fault.Conflict, "finish that promotion first: promote the image under that name",
			"image %s is being promoted to the name %q", p.Image, j.Name)
	}
	return nil
}

func (p *Plan) findPredecessors(ctx context.Context, site Site) error {
	q := glance.Query{Owner: p.Owner, BothHidden: true}
	if p.Options.Strategy == Pointer {
		q.Properties = map[string]string{CurrentKey: p.Name}
	} else {
		q.Name = p.Name
	}
	found, err := site.Images.Images(ctx, q)
	if err != nil {
		return err
	}
	var old []*glance.Image
	for _, img := range found {
		p.last = max(p.last, generation(img))
		switch {
		case img.ID == p.Image.ID:
		case img.Status != glance.StatusActive && img.Status != glance.StatusDeactivated:
		case p.isFresh(img):
			p.Fresh = append(p.Fresh, img)
		default:
			old = append(old, img)
		}
	}
	glance.NewestFirst(old)
	if len(old) == 0 && p.Options.Strategy == Rename && p.Image.Properties[PromotedKey] == "" {
		if err := p.refuseForeign(ctx, site); err != nil {
			return err
		}
	}
	names, err := p.archiveNames(old)
	if err != nil {
		return fault.Wrap(fault.Usage, "", err)
	}
	for n, img := range old {
		p.Predecessors = append(p.Predecessors, Predecessor{Image: img, Archive: names[n]})
	}
	p.last = max(p.last, generation(p.Image))
	return nil
}

// isFresh tells an image that is waiting for its own promotion, such as that of a build running
// beside this one, from a predecessor: it never was current and is newer than the new image. The
// service counts whole seconds; of the same second only a build's image is taken for fresh.
func (p *Plan) isFresh(img *glance.Image) bool {
	if img.Properties[PromotedKey] != "" {
		return false
	}
	_, built := img.Properties[cloud.RunKey]
	return img.CreatedAt.After(p.Image.CreatedAt) || built && img.CreatedAt.Equal(p.Image.CreatedAt)
}

func generation(img *glance.Image) int {
	n, _ := strconv.Atoi(img.Properties[GenerationKey]) // without one the chain is followed from its beginning
	return n
}

// refuseForeign protects people who find another project's image under the name: a second one
// beside it would make the name ambiguous for them.
func (p *Plan) refuseForeign(ctx context.Context, site Site) error {
	q := glance.Query{Name: p.Name}
	if site.Admin {
		q.Visibility = glance.Public // an admin sees all projects' images; only these are in anybody's way
	}
	found, err := site.Images.Images(ctx, q)
	if err != nil {
		return err
	}
	for _, img := range found {
		if img.Owner != p.Owner {
			return fault.New(fault.Conflict, "choose another name, or use the credentials of that project",
				"%s: image %s belongs to project %s", fault.Option("image_name"), img, img.Owner)
		}
	}
	return nil
}

// chooseVisibility takes the widest of the predecessors', so that nobody loses the name.
func (p *Plan) chooseVisibility(context.Context, Site) error {
	p.Visibility = p.Options.Visibility
	if p.Visibility != "" {
		return nil
	}
	order := []string{glance.Private, glance.Shared, glance.Community, glance.Public}
	widest := -1
	for _, old := range p.Predecessors {
		widest = max(widest, slices.Index(order, old.Image.Visibility))
	}
	if p.Visibility = p.Image.Visibility; widest >= 0 {
		p.Visibility = order[widest]
	}
	return nil
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
	if len(status) == 0 || p.Visibility != glance.Shared {
		return nil
	}
	now, err := membersNow(ctx, site, p.Image)
	if err != nil {
		return err
	}
	for _, project := range slices.Sorted(maps.Keys(status)) {
		want := better(status[project], now[project])
		if p.Options.MemberStates == Accept && want == glance.Pending {
			want = glance.Accepted
		}
		p.Members = append(p.Members, Member{ProjectID: project, Status: want, Now: now[project]})
	}
	return p.canSetStatuses(site)
}

// membersNow is the status by project id of an image's members.
func membersNow(ctx context.Context, site Site, img *glance.Image) (map[string]string, error) {
	now := map[string]string{}
	if img.Visibility != glance.Shared {
		return now, nil
	}
	members, err := site.Images.Members(ctx, img.ID)
	for _, m := range members {
		now[m.ProjectID] = m.Status
	}
	return now, err
}

// canSetStatuses makes sure beforehand that everybody's status can be set.
func (p *Plan) canSetStatuses(site Site) error {
	var unable []string
	for _, m := range p.Members {
		if m.Status != glance.Pending && m.Status != m.Now && !site.Admin && site.Acceptors[m.ProjectID] == nil {
			unable = append(unable, m.ProjectID)
		}
	}
	if len(unable) == 0 {
		return nil
	}
	return fault.New(fault.Forbidden, fault.Advise("name clouds with their credentials in %s, use an admin's credentials, or set %s",
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

func (p *Plan) findPrune(ctx context.Context, site Site) error {
	if p.Options.Retain == nil {
		return nil
	}
	archived, err := archivedImages(ctx, site, p.Owner, p.Name)
	if err != nil {
		return err
	}
	for _, old := range p.Predecessors {
		archived = append(archived, old.Image)
	}
	p.Prune = beyond(*p.Options.Retain, archived, p.Image.ID)
	return nil
}

func archivedImages(ctx context.Context, site Site, owner, name string) ([]*glance.Image, error) {
	return site.Images.Images(ctx, glance.Query{
		Owner: owner, BothHidden: true, Properties: map[string]string{ArchivedFromKey: name},
	})
}

// beyond are the archived images that the archive of the given length has no room for, oldest last.
func beyond(retain int, archived []*glance.Image, current string) []*glance.Image {
	archived = slices.DeleteFunc(slices.Clone(archived), func(i *glance.Image) bool { return i.ID == current })
	glance.NewestFirst(archived)
	return archived[min(retain, len(archived)):]
}

// copyProperties picks the predecessor's properties that the patterns name and that are
// neither ours nor the service's nor on the new image already. When the shares end goes with the
// members.
func (p *Plan) copyProperties() {
	p.Properties = map[string]string{}
	if len(p.Predecessors) == 0 {
		return
	}
	for k, v := range p.Predecessors[0].Image.Properties {
		_, has := p.Image.Properties[k]
		if !has && glance.Copyable(k) && slices.ContainsFunc(p.Options.CopyProperties, func(pattern string) bool {
			ok, _ := path.Match(pattern, k)
			return ok
		}) {
			p.Properties[k] = v
		}
	}
	// A share that ends must not become one without an end.
	if ends, ok := p.Predecessors[0].Image.Properties[glance.ShareEndsKey]; ok && len(p.Members) > 0 && p.Image.Properties[glance.ShareEndsKey] == "" {
		p.Properties[glance.ShareEndsKey] = ends
	}
}

// Done reports whether there is nothing left to change.
func (p *Plan) Done() bool {
	i := p.Image
	current := i.Name == p.Name
	if p.Options.Strategy == Pointer {
		current = i.Properties[CurrentKey] == p.Name
	}
	return current && i.Status == glance.StatusActive && !i.Hidden && i.Visibility == p.Visibility && i.Properties[PromotedKey] != "" &&
		len(p.Predecessors) == 0 && len(p.Unfinished) == 0 && len(p.Properties) == 0 && len(p.Prune) == 0 &&
		!slices.ContainsFunc(p.Members, func(m Member) bool { return m.Now != m.Status })
}
