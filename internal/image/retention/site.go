package retention

import (
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Site is the cloud whose images a policy is about, as the credentials see it.
type Site struct {
	Cloud   string // the name of its entry in clouds.yaml
	Images  *glance.Client
	Project string           // the id of the project that the credentials are for
	Admin   bool             // the credentials may change other projects' images
	Now     func() time.Time // by the cloud's clock
	Users   Users
}

// NewSite is a cloud's site. users may be nil for what doesn't ask who uses images.
func NewSite(c *cloud.Cloud, users Users) (Site, error) {
	sc, err := c.Image()
	if err != nil {
		return Site{}, err
	}
	if c.Project().ID == "" {
		return Site{}, fault.New(fault.Usage, "use credentials of a project", "the credentials for cloud %q are for no project", c.Name())
	}
	return Site{
		Cloud: c.Name(), Images: glance.New(sc), Project: c.Project().ID, Admin: c.IsAdmin(), Now: c.Now, Users: users,
	}, nil
}
