package promote

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// images are an owner's images that have to do with a name.
type images struct {
	name     string
	carriers []*glance.Image // that have the name
	pointed  []*glance.Image // that property CurrentKey says to be current under it
	archived []*glance.Image // that were current under it
	marked   []*glance.Image // whose promotion under it isn't finished
}

// imagesOf reads all images of a name, hidden ones included.
func imagesOf(ctx context.Context, site Site, owner, name string) (*images, error) {
	all := &images{name: name}
	group, ctx := errgroup.WithContext(ctx)
	list := func(into *[]*glance.Image, q glance.Query) {
		group.Go(func() (err error) {
			q.Owner, q.BothHidden = owner, true
			*into, err = site.Images.Images(ctx, q)
			return err
		})
	}
	list(&all.carriers, glance.Query{Name: name})
	list(&all.pointed, glance.Query{Properties: map[string]string{CurrentKey: name}})
	list(&all.marked, glance.Query{Properties: map[string]string{promotingKey: name}})
	list(&all.archived, glance.Query{Properties: map[string]string{ArchivedFromKey: name}})
	return all, group.Wait()
}

// current are the images that are current under the name. Those that only carry the name of one
// that is kept by pointer are not.
func (i *images) current(strategy string) []*glance.Image {
	current := slices.Clone(i.pointed)
	for _, img := range i.carriers {
		if img.Properties[CurrentKey] != i.name && (strategy == Rename || renamed(img)) {
			current = append(current, img)
		}
	}
	return current
}

// renamed reports whether a promotion made the image current by giving it its name.
func renamed(img *glance.Image) bool {
	p := img.Properties
	return p[PromotedKey] != "" && p[CurrentKey] == "" && p[ArchivedFromKey] == ""
}

// strategy is how the name is kept, as its images tell: Rename, Pointer, or "" if no promotion
// has been yet. Of a name that is kept in both ways an image of each is given.
func (i *images) strategy() (strategy string, byName, byPointer *glance.Image) {
	for _, img := range i.carriers {
		if renamed(img) {
			byName = img
		}
	}
	for _, img := range i.pointed {
		byPointer = img
	}
	switch {
	case byPointer != nil:
		return Pointer, byName, byPointer
	case byName != nil:
		return Rename, byName, nil
	}
	for _, img := range i.archived { // the current image was deleted
		if img.Properties[StrategyKey] != "" {
			return img.Properties[StrategyKey], nil, nil
		}
	}
	return "", nil, nil
}

// choose is the strategy of a promotion: the one that the name is kept by. One that was asked for
// must not contradict it, or the name would have two current images.
func (i *images) choose(asked string) (string, error) {
	kept, byName, byPointer := i.strategy()
	twice := byName != nil && byPointer != nil
	switch {
	case twice && asked == "":
		return "", fault.New(fault.Ambiguous,
			fault.Advise("say which is right with %s or %s", fault.Set("strategy", Rename), fault.Set("strategy", Pointer)),
			"the name %q has two current images: %s by its name, and %s by its property %s", i.name, byName, byPointer, CurrentKey)
	case asked != "" && (twice || kept == "" || kept == asked):
		return asked, nil
	case kept == "":
		return Rename, nil
	case asked == "":
		return kept, nil
	}
	return "", fault.New(fault.Conflict, fault.Advise("leave %s out, or use %s", fault.Option("strategy"), fault.Set("strategy", kept)),
		"%s: the name %q is kept by strategy %q", fault.Option("strategy"), i.name, kept)
}

// currentAmong are those of an owner's images that are current under the name.
func currentAmong(all []*glance.Image, name string) []*glance.Image {
	i := &images{name: name}
	for _, img := range all {
		if img.Name == name {
			i.carriers = append(i.carriers, img)
		}
		if img.Properties[CurrentKey] == name {
			i.pointed = append(i.pointed, img)
		}
		if img.Properties[ArchivedFromKey] == name {
			i.archived = append(i.archived, img)
		}
	}
	strategy, _, _ := i.strategy()
	return i.current(cmp.Or(strategy, Rename))
}
