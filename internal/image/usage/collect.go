package usage

import (
	"context"
	"fmt"
	"sync"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Options say where else to look.
type Options struct {
	// AlsoInUse are files with the ids or names of images that are in use, one a line.
	AlsoInUse []string
	// RefsFiles are files of any text that names images, such as Terraform's, Packer's or nodepool's.
	RefsFiles []string
	// EachImage gets each image of the first cloud as it is listed, from one goroutine at a time, so that
	// nobody has to list them again. Restart is called before the list is read again from its start. Both
	// may be nil.
	EachImage func(*glance.Image)
	Restart   func()
}

// Collect asks all sources of the clouds who uses which images. The clouds are those that use one Image
// service: images are listed in the first one. A source that can't be read is no error, and says so.
func Collect(ctx context.Context, clouds []*cloud.Cloud, o Options) (*Index, error) {
	if len(clouds) == 0 {
		return nil, fault.New(fault.Usage, "", "there is no cloud to ask")
	}
	c := &collection{Options: o, ctx: ctx, several: len(clouds) > 1}
	if err := c.files(); err != nil {
		return nil, err
	}
	for n, from := range clouds {
		c.ask(from, n == 0)
	}
	c.wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("finding out who uses the images: %w", cloud.Classify(err))
	}
	return c.index(), nil
}

// collection is the work on one index.
type collection struct {
	Options
	ctx  context.Context //nolint:containedctx // of Collect, which waits for all of it
	wait sync.WaitGroup

	several  bool      // clouds
	answers  []*answer // in the order of Index.Sources
	pictures []*picture
	shelves  []*shelf
}

// source notes a source of the cloud.
func (c *collection) source(name string, from *cloud.Cloud) *answer {
	a := &answer{Source: Source{Name: name}}
	if from != nil {
		a.Cloud, a.Project = from.Name(), from.Project().ID
	}
	c.answers = append(c.answers, a)
	return a
}

// read asks one service of the cloud. A service that the catalog doesn't have is absent.
func (c *collection) read(a *answer, client func() (*gophercloud.ServiceClient, error),
	do func(context.Context, *gophercloud.ServiceClient) error,
) {
	sc, err := client()
	switch {
	case fault.Is(err, fault.NotFound):
		a.State, a.Detail = Absent, err.Error()
	case err != nil:
		a.settle(err)
	default:
		a.settle(do(c.ctx, sc))
	}
}

// ask starts to read all sources of a cloud.
func (c *collection) ask(from *cloud.Cloud, first bool) {
	fleet := c.askServers(from)
	c.askVolumes(from, fleet)
	if first {
		c.askImages(from, fleet)
	}
	c.askNodes(from)
	c.askStacks(from)
	c.askClusterTemplates(from)
	c.askBalancers(from)
	c.askDatabases(from)
}
