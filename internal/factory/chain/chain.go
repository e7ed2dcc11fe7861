// Package chain knows which images start from which others, so that an image that has become current has those built
// anew that start from it.
package chain

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Options say where profiles and maps are.
type Options struct {
	Watch        watch.Options
	SourceImages string // path or URL
}

// Link is an image, and what it starts from.
type Link struct {
	Image, Profile string // Profile is the file's name
	// Source is an id, or the name of an image; it may be that of another link.
	Source string
	// Order is how many images of the chain have to be built before this one.
	Order int
}

// Read reads profiles and maps, and returns the links by order and name. Profiles that can't be used are left out, and
// their errors are the problems.
func Read(ctx context.Context, o Options) (links []Link, problems []error, err error) {
	if o.SourceImages == "" {
		return nil, nil, fault.New(fault.Usage, "", "IMAGES_CONFIG isn't set: what do images start from?")
	}
	sources, err := profile.LoadSourceImages(ctx, o.SourceImages)
	if err != nil {
		return nil, nil, err
	}
	return read(ctx, o, sources)
}

func read(ctx context.Context, o Options, sources *profile.SourceImages) (links []Link, problems []error, err error) {
	all, problems, err := watch.All(ctx, o.Watch)
	if err != nil {
		return nil, nil, err
	}
	first := map[string]string{}
	for _, r := range all {
		l, err := link(r, sources, o.Watch.NameStyle)
		if other, twice := first[l.Image]; err == nil && twice {
			err = fault.New(fault.Ambiguous, "", "%s and %s both build %q", other, r.Source, l.Image)
		}
		if err != nil {
			problems = append(problems, fault.About(r.Source, err))
			continue
		}
		first[l.Image] = r.Source
		links = append(links, l)
	}
	links, err = order(links)
	if err != nil {
		problems = append(problems, err)
	}
	return links, problems, nil
}

func link(r watch.Request, sources *profile.SourceImages, style string) (Link, error) {
	p, err := profile.ParseProfile(r.Source, r.Text)
	if err != nil {
		return Link{}, err
	}
	recipe, err := profile.Resolve(p, nil, sources, profile.Options{NameStyle: style, SourceNames: true})
	if err != nil {
		return Link{}, err
	}
	return Link{Image: recipe.Name, Profile: r.Source, Source: recipe.SourceImage}, nil
}

// order orders the links; those that start from each other in a circle are left out.
func order(links []Link) ([]Link, error) {
	by := make(map[string]*Link, len(links))
	for n := range links {
		by[links[n].Image] = &links[n]
	}
	var circles []string
	ordered := make([]Link, 0, len(links))
	for _, l := range links {
		seen := map[string]bool{l.Image: true}
		depth, circle := 0, false
		for at := by[l.Source]; at != nil && !circle; at = by[at.Source] {
			depth++
			circle = seen[at.Image]
			seen[at.Image] = true
		}
		if circle {
			circles = append(circles, l.Image)
			continue
		}
		l.Order = depth
		ordered = append(ordered, l)
	}
	slices.SortFunc(ordered, func(a, b Link) int { return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Image, b.Image)) })
	if len(circles) == 0 {
		return ordered, nil
	}
	slices.Sort(circles)
	return ordered, fault.New(fault.Usage, "correct the source images", "images start from each other in a circle: %s",
		strings.Join(circles, ", "))
}

// AskForDependants asks for the builds of those images that start from one: of theirs, it is called when they have
// become current in turn. It reads the profiles only if the source images have the image's name.
func AskForDependants(ctx context.Context, o Options, image string) (asked []string, err error) {
	if o.SourceImages == "" {
		return nil, nil
	}
	sources, err := profile.LoadSourceImages(ctx, o.SourceImages)
	if err != nil || !sources.Names(image) {
		return nil, err
	}
	links, problems, err := read(ctx, o, sources)
	if err != nil {
		return nil, err
	}
	if links = slices.DeleteFunc(links, func(l Link) bool { return l.Source != image }); len(links) > 0 {
		if asked, err = ask(ctx, o, links); err != nil {
			return nil, err
		}
	}
	// One that can't be read just now may have to be built, too.
	problems = slices.DeleteFunc(problems, func(err error) bool { return !fault.Is(err, fault.Unavailable) })
	return asked, errors.Join(problems...)
}

// ask asks for builds of the links' images, with the profiles as they are now: what watch has read meanwhile may be newer
// than what the links were read from.
func ask(ctx context.Context, o Options, links []Link) (asked []string, err error) {
	var profiles []string
	for _, l := range links {
		asked, profiles = append(asked, l.Image), append(profiles, l.Profile)
	}
	newest, err := watch.Newest(ctx, o.Watch.Sink, asked...)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	requests, problems, err := watch.All(ctx, o.Watch, profiles...)
	if err = errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	return asked, watch.Ask(ctx, o.Watch.Sink, o.Watch.NameStyle, newest, at, requests...)
}

// States of an image.
const (
	UpToDate = "up-to-date" // it was built from what it starts from now
	Outdated = "outdated"
	Missing  = "missing" // none is current
)

// Built is a current image: its id, and the id of the image that it was built from, "" if unknown.
type Built struct{ ID, From string }

// State is that of the link's image; built are the current images by name. Only images among them are looked at.
func (l Link) State(built map[string]Built) string {
	own, ok := built[l.Image]
	from := l.Source
	if source, named := built[l.Source]; named {
		from = source.ID
	}
	switch {
	case !ok:
		return Missing
	case own.From == from || own.From == "" || from == l.Source && !isID(from):
		return UpToDate
	}
	return Outdated
}

func isID(image string) bool { return uuid.Validate(image) == nil }
