// Package share grants and removes other projects' access to images: the members of Glance's shared
// images, across all clouds involved.
//
// Guarantees: a change that grants access either finishes or is rolled back, and the rollback undoes
// only what this run changed. A change that removes access is never rolled back; if it stops half-way,
// the error says what is left to do. A plan only sends reads.
//
// The status of a member, pending, accepted or rejected, only changes the project's default list. With
// all three, the project can read the image and boot from it by its id. Access ends when the member is
// removed, or the image is made private, deactivated or deleted.
//
// API: https://docs.openstack.org/api-ref/image/v2/#sharing
package share

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Properties that sharing leaves on images. People and tools may read them, too.
const (
	ExpiresKey   = glance.ShareEndsKey      // JSON: project id to RFC 3339 time, after which the share is to be removed
	SuspendedKey = "imgctl_share_suspended" // JSON: project id to status, of the members of an image that was suspended
	SourceKey    = "imgctl_source"          // of a copy: CLOUD/IMAGE ID/HASH that it was made from
	CopyingKey   = glance.CopyingKey        // of a copy that isn't finished: the same
)

// States of an image and a project beyond Glance's pending, accepted and rejected.
const (
	None    = "none"    // not a member
	Dormant = "dormant" // a member that has no access while the image is private
	Unknown = "unknown" // the service doesn't list the members of a private image
)

// How many requests go to one cloud at a time; its transport holds fewer connections than that.
const requests = 8

// Clouds opens a cloud by its name in clouds.yaml; "" is the default one.
type Clouds func(ctx context.Context, name string) (*Tenancy, error)

// Tenancy is a project on a cloud, as its credentials see it.
type Tenancy struct {
	Cloud   string // its name in clouds.yaml
	Project cloud.Project
	Admin   bool // may read any image and set the status of any member
	Roles   []string
	Images  *glance.Client

	identity *gophercloud.ServiceClient
	service  string // URL of the Image service
	region   string
	projects projects
}

// NewTenancy makes a tenancy of a connection. Credentials that aren't for a project are fault.Usage.
func NewTenancy(c *cloud.Cloud) (*Tenancy, error) {
	if c.Project().ID == "" {
		return nil, fault.New(fault.Usage, "name a project in its entry of clouds.yaml",
			"the credentials of cloud %q are not for a project", c.Name())
	}
	sc, err := c.Image()
	if err != nil {
		return nil, err
	}
	return &Tenancy{
		Cloud: c.Name(), Project: c.Project(), Admin: c.IsAdmin(), Roles: c.Roles(), Images: glance.New(sc),
		identity: c.Identity(), service: sc.ResourceBaseURL(), region: c.Region(),
	}, nil
}

// sameService reports whether both sites use the same Image service, so that images can be shared between
// them. Different addresses, such as an internal endpoint, count as the same service if Keystone and
// region are the same.
func (s *Tenancy) sameService(o *Tenancy) bool {
	return s.service == o.service || s.identity.Endpoint == o.identity.Endpoint && s.region == o.region
}

// String names the tenancy for people.
func (s *Tenancy) String() string { return fmt.Sprintf("cloud %q", s.Cloud) }

// open opens several clouds at once; the sites are in the order of the names.
func open(ctx context.Context, clouds Clouds, names []string) ([]*Tenancy, error) {
	sites := make([]*Tenancy, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for n, name := range names {
		group.Go(func() (err error) {
			sites[n], err = clouds(ctx, name)
			return err
		})
	}
	return sites, group.Wait()
}

// Cached opens each cloud once, however often it is asked for.
func Cached(clouds Clouds) Clouds {
	type result struct {
		once sync.Once
		site *Tenancy
		err  error
	}
	var mu sync.Mutex
	known := map[string]*result{}
	return func(ctx context.Context, name string) (*Tenancy, error) {
		mu.Lock()
		r := known[name]
		if r == nil {
			r = &result{}
			known[name] = r
		}
		mu.Unlock()
		r.once.Do(func() { r.site, r.err = clouds(ctx, name) })
		return r.site, r.err
	}
}

// Tuning is how a change is carried out.
type Tuning struct {
	// Parallel is how many images to process at a time; default 4.
	Parallel int

	// Expires is when the shares that are added end; zero is never.
	Expires time.Time

	// Copy copies images to clouds that have another Image service, which sharing can't reach.
	Copy bool

	// AcceptRejected accepts even if the project has rejected the image.
	AcceptRejected bool

	// AnyProject accepts every project id that Keystone doesn't refuse.
	AnyProject bool
}

const defaultParallel = 4
