package launch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// object is a resource as its service shows it.
type object map[string]any

func (o object) text(key string) string {
	s, _ := o[key].(string)
	return s
}

func (o object) id() string { return o.text("id") }

// collection is a list of a service, and where its objects are made.
type collection struct {
	service string // identity, compute, network or volume
	path    string // such as "security-groups"
	list    string // path of the list, if it is another one
	key     string // of the list in an answer, such as "security_groups"
	one     string // of an object in requests and answers, such as "security_group"
	query   func(w *world) url.Values
	after   *collection // is read before: reading it may make objects, as the first look at groups makes the default one
}

// world is what is known of a cloud during one pass: lists are read once, and kept up to date with what is done.
type world struct {
	*target
	rep      report.Reporter
	planning bool
	expected map[string]bool // by kind and name: what earlier steps of the plan create

	mu      sync.Mutex
	lists   map[string]*list
	clients map[string]*gophercloud.ServiceClient
	told    map[string]bool   // ids of rules that the layout lists
	rotated map[string]string // key pairs by the names in the layout: those that took their places
	images  ownImages
}

type list struct {
	once    sync.Once
	objects []object
	err     error
}

func newWorld(t *target) *world {
	return &world{
		target: t, rep: report.Discard, expected: map[string]bool{}, lists: map[string]*list{},
		clients: map[string]*gophercloud.ServiceClient{}, rotated: map[string]string{},
		told: map[string]bool{},
	}
}

func (w *world) project() string { return w.cloud.Project().ID }

// client is a service's.
func (w *world) client(service string) (*gophercloud.ServiceClient, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sc := w.clients[service]; sc != nil {
		return sc, nil
	}
	var sc *gophercloud.ServiceClient
	var err error
	switch service {
	case "identity":
		sc = w.cloud.Identity()
	case "compute":
		sc, err = w.cloud.Compute()
	case "network":
		sc, err = w.cloud.Network()
	case "volume":
		sc, err = w.cloud.BlockStorage()
	default:
		err = fmt.Errorf("no service %q", service)
	}
	if err == nil {
		w.clients[service] = sc
	}
	return sc, err
}

// all are the objects of a collection that belong to the project, as far as the service distinguishes.
func (w *world) all(ctx context.Context, c *collection) ([]object, error) {
	var query url.Values
	if c.query != nil {
		query = c.query(w)
	}
	if c.after != nil {
		if _, err := w.all(ctx, c.after); err != nil {
			return nil, err
		}
	}
	return w.listed(ctx, c, query)
}

// listed is a list, read once.
func (w *world) listed(ctx context.Context, c *collection, query url.Values) ([]object, error) {
	w.mu.Lock()
	key := c.service + "/" + c.path + "?" + query.Encode()
	l := w.lists[key]
	if l == nil {
		l = &list{}
		w.lists[key] = l
	}
	w.mu.Unlock()
	l.once.Do(func() { l.objects, l.err = w.read(ctx, c, query) })
	return slices.Clone(l.objects), l.err
}

func (w *world) read(ctx context.Context, c *collection, query url.Values) (all []object, err error) {
	sc, err := w.client(c.service)
	if err != nil {
		return nil, err
	}
	path := c.list
	if path == "" {
		path = c.path
	}
	l := listing.List{Path: path, Key: c.key, Restart: func() { all = nil }}
	if len(query) > 0 {
		l.Queries = []url.Values{query}
	}
	err = listing.Each(ctx, sc, l, func(page []object) error {
		for _, o := range page {
			if inner, wrapped := o[c.one].(map[string]any); wrapped && len(o) == 1 { // as key pairs are
				o = inner
			}
			all = append(all, o)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", c.key, err)
	}
	return all, nil
}

// forget has the lists of a collection read again.
func (w *world) forget(c *collection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.lists {
		if path, _, _ := strings.Cut(key, "?"); path == c.service+"/"+c.path {
			delete(w.lists, key)
		}
	}
}

// prefetch reads the lists that steps will need, all at once. Errors come up where a list is used.
func (w *world) prefetch(ctx context.Context, steps []*Step) {
	var all sync.WaitGroup
	seen := map[*collection]bool{}
	for _, s := range steps {
		if s.asked == nil || s.Kind == "" {
			continue
		}
		for _, c := range kindOf(s.Kind).reads {
			if !seen[c] {
				seen[c] = true
				all.Go(func() { _, _ = w.all(ctx, c) })
			}
		}
	}
	all.Wait()
}

// send sends a request that changes something.
func (w *world) send(ctx context.Context, service, method, path string, body any, into any) error {
	sc, err := w.client(service)
	if err != nil {
		return err
	}
	opts := &gophercloud.RequestOpts{
		OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent}, JSONBody: body, JSONResponse: into,
	}
	resp, err := sc.Request(ctx, method, sc.ServiceURL(path), opts)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

// write sends a request, and finds out whether it took effect if that is unclear.
func (w *world) write(ctx context.Context, service, method, path string, body any, into any,
	done func(context.Context) (bool, error),
) error {
	return cloud.Classify(change.Write(ctx, cloud.Outcome, func(ctx context.Context) error {
		return w.send(ctx, service, method, path, body, into)
	}, done))
}

// get reads one thing.
func (w *world) get(ctx context.Context, service, path string, into any) error {
	sc, err := w.client(service)
	if err != nil {
		return err
	}
	resp, err := sc.Get(ctx, sc.ServiceURL(path), into, nil)
	if err == nil {
		resp.Body.Close()
	}
	return cloud.Classify(err)
}

// remove deletes an object, and waits until it is gone; one that isn't there is fine.
func (w *world) remove(ctx context.Context, c *collection, id string) error {
	path := c.path + "/" + url.PathEscape(id)
	gone := func(ctx context.Context) (bool, error) {
		err := w.get(ctx, c.service, path, nil)
		if fault.Is(err, fault.NotFound) {
			return true, nil
		}
		return false, err
	}
	err := w.write(ctx, c.service, http.MethodDelete, path, nil, nil, gone)
	w.forget(c)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return cloud.Poll(ctx, "the removal", removalTime, gone)
}

// Waits end after these times.
const (
	removalTime = 10 * time.Minute
	makingTime  = 30 * time.Minute
)
