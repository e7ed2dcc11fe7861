// Package sync brings the images that stores offer into a cloud, and makes them current: an image is
// uploaded in one verified stream, tried if wanted, and then promoted, so that nothing replaces an image
// but that transaction.
//
// Only the project's own images are read for what is current, and written to.
package sync

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Properties of an image that a run brings.
const (
	// ForKey is the name that the image is for, until it is current under it.
	ForKey = "imgctl_sync"
	// FailedKey says why the image isn't made current.
	FailedKey = "imgctl_sync_failed"
)

// Site is the cloud that images are brought to.
type Site struct {
	Cloud   string // the name of its entry in clouds.yaml
	Images  *glance.Client
	Project string // id
	Admin   bool
}

// NewSite is a cloud's site.
func NewSite(c *cloud.Cloud) (Site, error) {
	sc, err := c.Image()
	if err != nil {
		return Site{}, err
	}
	if c.Project().ID == "" {
		return Site{}, fault.New(fault.Usage, "use credentials of a project", "the credentials for cloud %q are for no project", c.Name())
	}
	return Site{Cloud: c.Name(), Images: glance.New(sc), Project: c.Project().ID, Admin: c.IsAdmin()}, nil
}

func (s Site) promotion() promote.Site {
	return promote.Site{Images: s.Images, Project: s.Project, Admin: s.Admin, Run: string(cloud.NewRun())}
}

// From is a store, and how its images are to be in the cloud. Zero values are the defaults.
type From struct {
	Store       store.Store
	Visibility  string            // of an image that has no predecessor and whose store doesn't say; default private
	Properties  map[string]string // that each image gets in addition
	Tags        []string
	Via         string // as upload.Options.Via
	Convert     string // as upload.Options.Convert
	Unchecked   bool   // take images without a checksum
	ArchiveName string // template of predecessors' names
	OldAction   string // what becomes of predecessors: promote.Keep, Hide or Deactivate
}

// Test tries an image before it becomes current. An error says why it can't.
type Test func(ctx context.Context, img *glance.Image, rep report.Reporter) error

// Options say what to bring.
type Options struct {
	From    []From
	Wanted  Wanted
	Test    Test          // nil for none
	Timeout time.Duration // of each image; default six hours
}

// Wanted says which of the offered images are wanted; the zero value is all.
type Wanted struct {
	Image                    string // a name, or the id that it has in the store
	Distro, Release, Variant string // all three or none
}

// ParseLatest reads the words of a distribution, release and variant, in three words or in one with
// commas.
func ParseLatest(words []string) (w Wanted, err error) {
	if len(words) == 1 {
		words = strings.Split(words[0], ",")
	}
	if len(words) != 3 || slices.Contains(words, "") {
		return w, fault.Bad("latest", fault.Advise("such as %s", fault.Set("latest", "ubuntu,24.04,base")),
			"%q is no distribution, release and variant", strings.Join(words, ","))
	}
	return Wanted{Distro: strings.TrimSpace(words[0]), Release: strings.TrimSpace(words[1]), Variant: strings.TrimSpace(words[2])}, nil
}

func (w Wanted) has(o *store.Offer) bool {
	return (w.Image == "" || w.Image == o.Name || w.Image == o.ID) &&
		(w.Distro == "" || w.Distro == o.Distro && w.Release == o.Version && w.Variant == o.Variant)
}

func (w Wanted) String() string {
	return strings.TrimSpace(cmp.Or(w.Image, strings.Join([]string{w.Distro, w.Release, w.Variant}, " ")))
}

// offered is one image that a store offers, and how it is to be here.
type offered struct {
	*store.Offer
	from *From
}

// offers reads all stores. One that fails is an error, with the offers of the others.
func (o *Options) offers(ctx context.Context) (all []offered, failed []error) {
	byName := map[string]string{}
	for n := range o.From {
		from := &o.From[n]
		list, err := from.Store.Offers(ctx)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, offer := range list {
			if o.Wanted.Distro != "" && offer.Distro == "" && offer.Problem == nil && offer.More != nil {
				offer.Problem = offer.More(ctx) // it may say what is in the image
				offer.More = nil
			}
			if !o.Wanted.has(offer) {
				continue
			}
			if other, twice := byName[offer.Name]; twice {
				offer.Problem = cmp.Or(offer.Problem, fault.New(fault.Ambiguous, "", "%s offers the name, too", other))
			}
			byName[offer.Name] = offer.From
			all = append(all, offered{offer, from})
		}
	}
	return all, failed
}

func (o *Options) nothing() error {
	if o.Wanted == (Wanted{}) {
		return fault.New(fault.NotFound, "", "the stores offer no image")
	}
	return fault.New(fault.NotFound, "", "the stores offer no image %q", o.Wanted)
}

var _ fmt.Stringer = Wanted{}
