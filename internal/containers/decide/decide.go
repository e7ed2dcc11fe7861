// Package decide answers which container images a deployment needs, under which tags, where they
// come from and go to, and which heat parameters name them: what TripleO's image preparation
// decides, with the reason for each answer.
package decide

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/envfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imagelist"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// LabelPolicy says what counts where an entry has both a tag and tag_from_label.
type LabelPolicy string

// The policies.
const (
	// Modern is TripleO's rule since August 2020: the tag counts.
	Modern LabelPolicy = "modern"
	// Legacy is the rule before, which the documentation's examples show: the label counts.
	Legacy LabelPolicy = "legacy"
)

// Registry answers what discovery asks. Errors have a kind; a missing image is fault.NotFound.
type Registry interface {
	// Labels are those of the image's configuration.
	Labels(ctx context.Context, image reference.Reference) (map[string]string, error)
	// Exists reports whether there is such a tag.
	Exists(ctx context.Context, image reference.Reference) (bool, error)
	// Tags are all tags of the repository, in the registry's order.
	Tags(ctx context.Context, image reference.Reference) ([]string, error)
}

// Lock knows what an earlier decision found. What it doesn't know is fault.Drift.
type Lock interface {
	// Tag is the tag that the labels of the image named.
	Tag(start reference.Reference) (string, error)
	// Pin is the image by its digest.
	Pin(image reference.Reference) (reference.Reference, error)
}

// Request is what has to be decided.
type Request struct {
	Environment *envfile.Environment
	Roles       []envfile.Role // none: no filter by service
	Release     *imagelist.Release
	List        imagelist.List // a template in place of the release's own list; nil for that
	Policy      LabelPolicy
	Registry    Registry
	Lock        Lock     // answers in place of the registry; nil if the registry is asked
	Undercloud  string   // HOST:PORT of the undercloud's registry
	Insecure    []string // registries that are known to have no TLS, or no certificate to check
	Now         time.Time
	// Offline leaves tags as they are where they would be found by labels.
	Offline bool
	// GoOn leaves images out whose tags can't be found, and goes on with the others.
	GoOn bool
}

// Result is what was decided.
type Result struct {
	Params map[string]Param
	Images []*Image // in the order of entries and list; one source may be there more than once
	Left   []Left
	Unread []Unread           // with Request.GoOn
	Roles  map[string]*Result // by role, for those with a list of their own
	// Insecure are the registries among the params that the request calls insecure, sorted.
	Insecure []string
	Notes    []string
}

// Param is one heat parameter.
type Param struct {
	Value string
	Image *Image
	// Overrode are the values that earlier entries or images gave it.
	Overrode []string
}

// Image is one image that the deployment needs.
type Image struct {
	Entry     string // where the entry stands, or "defaults of RELEASE"
	Position  int    // of the entry, from 1
	Listed    imagelist.Image
	Start     reference.Reference // Source before labels named its tag; zero if they don't
	Source    reference.Reference
	Target    reference.Reference // zero if the image isn't pushed
	Pushed    bool
	Final     reference.Reference // what the parameters name
	TagWhy    string              // how the tag was found
	FilterWhy string              // why the image is in
	Modify    *Modify
	MultiArch bool
	prefix    string // what an OpenStack image's name has before and after its own
	suffix    string
}

// Short is the image's own name, such as nova-api.
func (i *Image) Short() string {
	return strings.TrimSuffix(strings.TrimPrefix(i.Source.Base(), i.prefix), i.suffix)
}

// Pin has the parameters name digests in place of tags: what digest says of an image's final name. An
// image of which it says nothing keeps its tag, such as one that is still to be changed on its way.
func (r *Result) Pin(digest func(*Image) string) {
	for _, image := range r.Images {
		if d := digest(image); d != "" {
			image.Final = image.Final.WithDigest(d)
		}
	}
	for name, p := range r.Params {
		p.Value = p.Image.Final.String()
		r.Params[name] = p
	}
	for _, role := range r.Roles {
		role.Pin(digest)
	}
}

// Modify is a change that an image needs on its way.
type Modify struct {
	Role, AppendTag string
	Vars            map[string]any
}

// Left is an image of the list that an entry doesn't take.
type Left struct {
	Position int
	Name     string
	Params   []string
	Why      string
}

// Unread is an image whose tag can't be found.
type Unread struct {
	Source reference.Reference // with the tag to start from
	Err    error
}

// Decide reads the environment and asks the registry where tags or labels have to be found.
func Decide(ctx context.Context, r Request) (*Result, error) {
	if r.List == nil {
		r.List = r.Release
	}
	entries, own, err := r.Environment.Entries("ContainerImagePrepare")
	if err != nil {
		return nil, err
	}
	if !own {
		entries = []envfile.Entry{{TagFromLabel: r.Release.TagFromLabel, Set: r.Release.Defaults(), At: "defaults of " + r.Release.Name}}
	}
	result, err := r.all(ctx, entries, r.Roles)
	if err != nil {
		return nil, err
	}
	for _, role := range r.Roles {
		entries, own, err := r.Environment.Entries(role.Name + "ContainerImagePrepare")
		if err != nil {
			return nil, err
		}
		if !own {
			continue
		}
		one, err := r.all(ctx, entries, []envfile.Role{role})
		if err != nil {
			return nil, fmt.Errorf("role %s: %w", role.Name, err)
		}
		if result.Roles == nil {
			result.Roles = map[string]*Result{}
		}
		result.Roles[role.Name] = one
	}
	return result, nil
}

// all decides the entries in their order; what a later one says of a parameter counts.
func (r *Request) all(ctx context.Context, entries []envfile.Entry, roles []envfile.Role) (*Result, error) {
	services, filtered, err := r.Environment.Services(roles)
	if err != nil {
		return nil, err
	}
	result := &Result{Params: map[string]Param{}}
	for i, entry := range entries {
		e := &decision{Request: r, entry: entry, position: i + 1, services: services, filtered: filtered, result: result}
		if err := e.decide(ctx); err != nil {
			return nil, fmt.Errorf("entry %d (%s): %w", i+1, entry.At, err)
		}
	}
	result.Insecure = r.insecure(result)
	return result, nil
}

func (r *Request) insecure(result *Result) []string {
	found := map[string]bool{}
	for _, p := range result.Params {
		if host := p.Image.Final.Registry(); slices.Contains(r.Insecure, host) {
			found[host] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// All are the images of the result and of its roles.
func (r *Result) All() []*Image {
	images := slices.Clone(r.Images)
	for _, role := range slices.Sorted(maps.Keys(r.Roles)) {
		images = append(images, r.Roles[role].Images...)
	}
	return images
}

// AllUnread are the images of the result and of its roles whose tags can't be found.
func (r *Result) AllUnread() []Unread {
	all := slices.Clone(r.Unread)
	for _, role := range slices.Sorted(maps.Keys(r.Roles)) {
		all = append(all, r.Roles[role].Unread...)
	}
	return all
}

func usage(format string, args ...any) error { return fault.New(fault.Usage, "", format, args...) }
