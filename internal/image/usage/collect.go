package usage

import (
	"context"
	"fmt"
	"regexp"
	"slices"
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
	c := &collection{Options: o, ctx: ctx}
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

	answers  []*answer // in the order of Index.Sources
	pictures []*picture
	shelves  []*shelf
}

// answer is what one source says. Only its goroutine uses it until the wait is over.
type answer struct {
	Source
	found []found
}

// found is a use of the images with an id, a name, a tag or names of a pattern.
type found struct {
	id, name, tag string
	pattern       *regexp.Regexp // of names
	use           Use
}

func (a *answer) byID(id string, u Use)     { a.found = append(a.found, found{id: key(id), use: u}) }
func (a *answer) byName(name string, u Use) { a.found = append(a.found, found{name: name, use: u}) }
func (a *answer) byTag(tag string, u Use)   { a.found = append(a.found, found{tag: tag, use: u}) }

// reference takes what is an image's id or name.
func (a *answer) reference(image string, u Use) {
	switch {
	case image == "":
	case glance.IsID(image):
		a.byID(image, u)
	default:
		a.byName(image, u)
	}
}

// restart forgets what the source said so far.
func (a *answer) restart() { a.found = nil }

// source notes a source of the cloud.
func (c *collection) source(name string, from *cloud.Cloud) *answer {
	a := &answer{Source: Source{Name: name}}
	if from != nil {
		a.Cloud = from.Name()
	}
	c.answers = append(c.answers, a)
	return a
}

// settle notes how reading the source ended. What it found counts whatever happened then.
func (a *answer) settle(err error) {
	if err == nil {
		if a.State == "" {
			a.State = Read
		}
		return
	}
	a.Detail = err.Error()
	switch {
	case fault.Is(err, fault.Forbidden):
		a.State = Forbidden
	default:
		a.State = Failed
	}
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

// limit notes that the source showed only the project's objects.
func (a *answer) limit(from *cloud.Cloud) {
	a.State = Limited
	a.Detail = fmt.Sprintf("only those of project %q (%s)", from.Project().Name, from.Project().ID)
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

// index puts together what the sources said.
func (c *collection) index() *Index {
	c.join()
	x := &Index{byID: map[string][]Use{}, byName: map[string][]Use{}, byTag: map[string][]Use{}}
	words := map[string]string{}
	for _, a := range c.answers {
		for _, f := range a.found {
			f.use.intern(words)
			switch {
			case f.id != "":
				x.byID[f.id] = append(x.byID[f.id], f.use)
			case f.pattern != nil:
				x.patterns = append(x.patterns, f)
			case f.name != "":
				x.byName[f.name] = append(x.byName[f.name], f.use)
			default:
				x.byTag[f.tag] = append(x.byTag[f.tag], f.use)
			}
		}
		a.Uses = len(a.found)
		a.found = nil
		x.sources = append(x.sources, a.Source)
	}
	slices.SortStableFunc(x.sources, func(a, b Source) int { return order(a) - order(b) })
	return x
}

// order is the place of a source among the others of its cloud, and of files behind them.
func order(s Source) int {
	if n := slices.Index(SourceNames, s.Name); n >= 0 {
		return n
	}
	return len(SourceNames)
}

// intern keeps one copy of each text that many uses have.
func (u *Use) intern(words map[string]string) {
	for _, text := range []*string{&u.Kind, &u.Project, &u.How, &u.Evidence} {
		if len(words) > 10_000 {
			return
		}
		if same, ok := words[*text]; ok {
			*text = same
		} else {
			words[*text] = *text
		}
	}
}
