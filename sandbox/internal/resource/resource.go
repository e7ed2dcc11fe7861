// Package resource is what the services' resources have in common: routes, who may do what, filters,
// sorting, pages, tags, and records with declared fields. A service says how it speaks (Style), and
// which kinds of object it has (Kind). A kind whose objects are only records is a Table: it is declared,
// not programmed.
package resource

import (
	"net/http"
	"net/url"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Object is an object as lists see it.
type Object interface {
	ID() string
	Owner() string // a project's id
	// Field is what filters and sorting compare; ok is false where the kind has no such field.
	Field(name string) (value any, ok bool)
	// Body is the object as the API shows it.
	Body(r *http.Request) map[string]any
}

// Shown is an object whose body is its state.
type Shown map[string]any

// ID is the body's id.
func (b Shown) ID() string { id, _ := b["id"].(string); return id }

// Owner is the body's project_id.
func (b Shown) Owner() string { id, _ := b["project_id"].(string); return id }

// Field is what the body has under a name.
func (b Shown) Field(name string) (any, bool) { v, ok := b[name]; return v, ok }

// Body is the body itself.
func (b Shown) Body(*http.Request) map[string]any { return b }

// Kind is one kind of object of an API. Functions that are nil are calls that the API doesn't have.
type Kind struct {
	Name   string // of one object, such as "port": bodies have it under this key
	Plural string // such as "ports": lists are under this key
	// Path of all of them, such as "/v2.0/ports". A part in braces, as in "/v3/users/{user_id}/access_rules", is a field
	// that all objects below the path have alike.
	Path string

	// List gives the objects that the query is about and the caller may see, in the style's default
	// order if Ordered.
	List    func(c front.Caller, q url.Values) ([]Object, error)
	Ordered bool
	// Find gives one that the caller may see; nil = by List without a query.
	Find func(c front.Caller, id string) (Object, bool)
	// Brief is an object in a list that has no details; nil = its body.
	Brief func(r *http.Request, o Object) map[string]any

	// Begun is the answer to a creation; nil = the object's body.
	Begun func(r *http.Request, o Object) map[string]any

	// Named has a creation be a PUT of the id that the object is to have.
	Named  bool
	Create func(r *http.Request, c front.Caller) (Object, error)
	Update func(r *http.Request, c front.Caller, id string) error
	Remove func(r *http.Request, c front.Caller, id string) error
	Tags   func(id string) *[]string
	Retag  func(id string, tags []string) // keeps tags that changed; nil = they are changed in place

	// Filters are the fields that filter; nil = all that its objects have.
	Filters []string
}

// Handler serves one call.
type Handler func(r *http.Request, c front.Caller) (status int, body any, err error)

// Style is how a service speaks of all its kinds.
type Style struct {
	// Serve makes an HTTP handler, which takes the service's lock and answers errors in its way.
	Serve func(Handler) http.Handler

	Change                    string // method of an update, such as PUT
	Created, Changed, Removed int    // statuses of success
	Bare                      bool   // bodies aren't under their kind's name
	Detail                    bool   // lists are brief, and have details below /detail

	Sort    string // key and direction of lists, such as "created_at:desc"
	MaxPage int    // most objects of a page; below 0 = any number
	// Next is the link to the page that begins behind an object, and its key; nil = "PLURAL_links".
	Next func(r *http.Request, k *Kind, query url.Values) (key string, link any)
	// Full links to a next page wherever a page has as many objects as were asked for, as some services do.
	Full bool

	// Allow refuses a call whose verb is list, get, create, update, delete or tag, before anything is looked up. nil = all
	// may read what they see; members create, and change what is their project's; administrators do everything.
	Allow func(k *Kind, r *http.Request, c front.Caller, verb string) error
	// Listed completes the answer to a list; nil = it is as it is.
	Listed func(r *http.Request, answer map[string]any)

	Missing   func(k *Kind, id string) error   // what the caller can't see
	Forbidden func(k *Kind, verb string) error // to callers who see it: create, update or delete
	NoMarker  func(k *Kind, id string) error   // a page behind an object that isn't there; nil = it is the first
	NoTag     func(k *Kind, tag string) error  // a tag to remove that isn't there
	Untagged  func(k *Kind, id string) error   // tags of something that isn't there
	Aliases   map[string]string                // names of filters that mean another field
}
