package sync

import (
	"context"
	"errors"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Actions of an image.
const (
	None    = ""
	New     = "new"     // there is no image of the name yet
	Replace = "replace" // the current image is another one
	Settle  = "settle"  // a dead run left a promotion half done
	Clean   = "clean"   // a dead run left an image that isn't wanted
	Refused = "refused" // it can't be brought, see the reason
)

// Outcomes of an image.
const (
	Done   = "done"
	Failed = "failed"
	Busy   = "busy" // another run is at it
)

// Plan is what a run will bring.
type Plan struct {
	Items      []*Item
	Everything bool // the rows have images that are up to date, too

	site    Site
	options Options
	failed  []error // of stores
}

// Item is one image of a plan.
type Item struct {
	Name    string
	Release string
	From    string
	Action  string
	Reason  string
	Current *glance.Image // nil if there is none
	ImageID string        // of the image that is current in the end
	Size    int64
	Outcome string

	offer   offered
	problem error
	done    bool
}

// NewPlan reads the stores and the cloud, and finds out what is to be brought. Stores that fail are left
// out; Plan.LeftOut and Apply tell them.
func NewPlan(ctx context.Context, site Site, o Options) (*Plan, error) {
	p := &Plan{site: site, options: o}
	offers, failed := o.offers(ctx)
	p.failed = failed
	if len(offers) == 0 {
		if len(failed) > 0 || ctx.Err() != nil {
			return nil, errors.Join(failed...)
		}
		return nil, o.nothing()
	}
	own, err := ownImages(ctx, site)
	if err != nil {
		return nil, err
	}
	for _, offer := range offers {
		i := &Item{Name: offer.Name, Release: offer.Release, From: offer.From, Size: offer.Source.Size, offer: offer}
		if err := i.judge(ctx, site, own); err != nil {
			i.Action, i.problem = Refused, err
			i.Reason = reason(err)
		} else if i.Action == None && slices.ContainsFunc(own.all, i.unwanted) {
			i.Action, i.Reason = Clean, "a run that ended early left an image or a claim"
		}
		p.Items = append(p.Items, i)
	}
	return p, ctx.Err()
}

// reason is what a row has room for: an error without advice, which is shown with the error.
func reason(err error) string {
	text, _ := fault.Spell(err, fault.Neutral)
	return text
}

// own are the project's images, read once for all names.
type own struct{ all []*glance.Image }

func ownImages(ctx context.Context, site Site) (*own, error) {
	found, err := site.Images.Images(ctx, glance.Query{Owner: site.Project, BothHidden: true})
	return &own{found}, err
}

// current are the images that are current under a name, newest first.
func (o *own) current(name string) (found []*glance.Image) {
	for _, img := range o.all {
		staged := img.Properties[ForKey] != "" && !promote.Concerns(img)
		if (img.Name == name || img.Properties[promote.CurrentKey] == name) && img.Status == glance.StatusActive && !staged {
			found = append(found, img)
		}
	}
	glance.NewestFirst(found)
	return found
}

// unsettled reports whether a promotion of the name isn't finished.
func (o *own) unsettled(name string) bool {
	for _, img := range o.all {
		if promote.Unsettled(img) && (img.Name == name || img.Properties[ForKey] == name) {
			return true
		}
	}
	return false
}

// judge decides what an image needs. Nothing is downloaded, and nothing is asked about an image that
// shows by its properties that it is the one.
func (i *Item) judge(ctx context.Context, site Site, own *own) error {
	o := i.offer
	if o.Problem != nil {
		return o.Problem
	}
	found := own.current(o.Name)
	if len(found) > 0 {
		i.Current, i.ImageID = found[0], found[0].ID
	}
	i.Action, i.Reason = None, ""
	switch {
	case own.unsettled(o.Name):
		i.Action, i.Reason = Settle, "a promotion of the name isn't finished"
		return nil
	case len(found) > 1:
		return duplicates(o.Name, found)
	case len(found) == 1 && o.Marked(found[0]):
		i.Reason = "release " + o.Release + " is current"
		return nil
	}
	if o.More != nil {
		if err := o.More(ctx); err != nil {
			return err
		}
		o.More, i.Size = nil, o.Source.Size
	}
	if len(found) == 1 {
		i.Action, i.Reason = Replace, "the current image is another one"
		same, known := upload.Holds(found[0], o.Source.Sums)
		switch {
		case same:
			i.Action, i.Reason = None, "the current image has the same data"
			return nil
		case known:
			i.Reason = "the current image has other data"
		case len(o.Marks) > 0:
			i.Reason = "the current image is another release"
		}
	} else {
		i.Action, i.Reason = New, "there is no image of the name"
		if err := i.strangers(ctx, site); err != nil {
			return err
		}
	}
	return i.acceptable()
}

// acceptable refuses what an upload would refuse, before anything is changed.
func (i *Item) acceptable() error {
	if i.offer.Hidden {
		return fault.New(fault.Conflict, "", "the store says that the image is hidden")
	}
	return i.uploadOptions().Validate(i.offer.Source)
}

func duplicates(name string, found []*glance.Image) error {
	return fault.New(fault.Ambiguous, fault.Advise("look at them, then keep the newest with %s", fault.Do("sync", "repair", name).
		With("keep", "newest")), "%d images of the project are current under %q:\n%s", len(found), name, glance.List(found))
}

// strangers refuses a name under which another project's image is public: people would find two.
func (i *Item) strangers(ctx context.Context, site Site) error {
	found, err := site.Images.Images(ctx, glance.Query{Name: i.Name, Visibility: glance.Public})
	if err != nil {
		return err
	}
	for _, img := range found {
		if img.Owner != site.Project {
			return fault.New(fault.Conflict, "", "the public image %s of project %s has the name", img, img.Owner)
		}
	}
	return nil
}
