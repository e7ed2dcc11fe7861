// Package listed has the services that the sandbox knows only as far as lists: Heat's stacks, Magnum's cluster
// templates, Octavia's amphorae and flavor profiles, and Trove's datastore versions. Their objects are declared,
// and come from tests.
package listed

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
)

// Options configures the services.
type Options struct {
	Names   []string // of Names
	Clock   *front.Clock
	MaxPage int // most objects of a page; 0 = 1000
}

// Names are the services that there are.
var Names = slices.Sorted(maps.Keys(services))

// Services are some of these services.
type Services struct {
	all    []*service
	tables map[string]kept // by their plurals
}

type kept struct {
	*resource.Table
	of *service
}

// service is one of them.
type service struct {
	endpoint keystone.Endpoint
	prefix   string
	fail     answer.ErrorWriter
	style    resource.Style
	tables   func(s *service) []*resource.Table

	mu    sync.RWMutex
	clock *front.Clock
}

// New makes the services.
func New(o Options) (*Services, error) {
	if o.MaxPage == 0 {
		o.MaxPage = 1000
	}
	s := &Services{tables: map[string]kept{}}
	for _, name := range o.Names {
		service, ok := services[name]
		if !ok {
			return nil, fmt.Errorf("there is no service %q; use %s", name, strings.Join(Names, ", "))
		}
		one := service()
		one.clock, one.style.Serve = o.Clock, one.serve
		one.style.MaxPage = cmp.Or(one.style.MaxPage, o.MaxPage)
		one.style.Missing = func(k *resource.Kind, id string) error {
			return answer.Fail(http.StatusNotFound, "The %s (%s) could not be found.", k.Name, id)
		}
		one.style.NoMarker = func(_ *resource.Kind, id string) error {
			return answer.Fail(http.StatusBadRequest, "The marker %s could not be found.", id)
		}
		s.all = append(s.all, one)
	}
	return s, nil
}

// Catalog are the services' endpoints.
func (s *Services) Catalog() (all []keystone.Endpoint) {
	for _, one := range s.all {
		all = append(all, one.endpoint)
	}
	return all
}

// Mounts are the services as the front mounts them.
func (s *Services) Mounts() (all []front.Service) {
	for _, one := range s.all {
		mux := http.NewServeMux()
		for _, t := range one.tables(one) {
			t.Now, t.Stamp = one.clock.Now, resource.Seconds
			s.tables[t.Plural] = kept{t.Open(), one}
			one.style.Mount(mux, &t.Kind)
			if t.Name == "stack" {
				mux.Handle("GET "+t.Path+"/{name}/{id}", one.style.Show(&t.Kind))
			}
		}
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			one.fail(w, r, http.StatusNotFound, "The resource could not be found.")
		})
		all = append(all, front.Service{Prefix: one.prefix, Handler: one.projectless(mux), Error: one.fail})
	}
	return all
}

// Add adds an object of a kind, such as "stacks", with its fields.
func (s *Services) Add(plural, project string, values map[string]any) (id string, err error) {
	t, ok := s.tables[plural]
	if !ok {
		return "", fmt.Errorf("there are no %s; there are %s", plural, strings.Join(slices.Sorted(maps.Keys(s.tables)), ", "))
	}
	for name := range values {
		if !slices.ContainsFunc(t.Fields, func(f resource.Field) bool { return f.Name == name }) {
			return "", fmt.Errorf("%s have no field %q", plural, name)
		}
	}
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	return t.Add("", project, values).ID(), nil
}
