// Package glance is the client of the Image service. Each call makes a whole change: it selects,
// creates, patches or shares an image, and knows afterwards whether the change took effect, even if the
// response was lost.
//
// API: https://docs.openstack.org/api-ref/image/v2/
package glance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Statuses of an image that matter for decisions.
const (
	StatusQueued      = "queued"
	StatusActive      = "active"
	StatusDeactivated = "deactivated"
	StatusKilled      = "killed"
)

// Visibilities of an image.
const (
	Private   = "private"
	Shared    = "shared"
	Community = "community"
	Public    = "public"
)

// Image is an image's record as the Image service shows it.
type Image struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	Status          string    `json:"status"`
	Owner           string    `json:"owner"` // project id
	Visibility      string    `json:"visibility"`
	Hidden          bool      `json:"os_hidden"`
	CanHide         bool      `json:"-"` // the service knows hidden images, as Glance does since Rocky
	Protected       bool      `json:"protected"`
	Tags            []string  `json:"tags"`
	DiskFormat      string    `json:"disk_format"`
	ContainerFormat string    `json:"container_format"`
	MinDisk         int       `json:"min_disk"` // GiB
	MinRAM          int       `json:"min_ram"`  // MiB
	Size            int64     `json:"size"`     // bytes
	VirtualSize     int64     `json:"virtual_size"`
	Checksum        string    `json:"checksum"` // MD5, hexadecimal
	HashAlgo        string    `json:"os_hash_algo"`
	HashValue       string    `json:"os_hash_value"`
	CreatedAt       time.Time `json:"created_at"` // whole seconds
	UpdatedAt       time.Time `json:"updated_at"`

	// Properties are the image's additional properties; values are always strings.
	Properties map[string]string `json:"-"`
}

// attributes are the keys of an image's JSON that are not additional properties.
var attributes = map[string]bool{
	"id": true, "name": true, "status": true, "owner": true, "visibility": true, "os_hidden": true,
	"protected": true, "tags": true, "disk_format": true, "container_format": true, "min_disk": true,
	"min_ram": true, "size": true, "virtual_size": true, "checksum": true, "os_hash_algo": true,
	"os_hash_value": true, "created_at": true, "updated_at": true, "self": true, "file": true,
	"schema": true, "direct_url": true, "locations": true, "stores": true,
}

// Attribute reports whether a key can't be that of an additional property: it is one of the image's
// attributes, or kept by the service for itself.
func Attribute(key string) bool {
	return attributes[key] || key == "location" || key == "deleted" || key == "deleted_at"
}

// UnmarshalJSON reads the service's JSON, where additional properties stand beside the attributes.
func (i *Image) UnmarshalJSON(b []byte) error {
	type plain Image
	if err := json.Unmarshal(b, (*plain)(i)); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	_, i.CanHide = all["os_hidden"]
	i.Properties = map[string]string{}
	for k, v := range all {
		if attributes[k] || len(v) == 0 || v[0] != '"' {
			continue
		}
		var text string
		if err := json.Unmarshal(v, &text); err != nil {
			return err
		}
		i.Properties[k] = text
	}
	return nil
}

// String names the image for people: its name in quotes and its id.
func (i *Image) String() string { return fmt.Sprintf("%q (%s)", i.Name, i.ID) }

// value is what the image has at a JSON patch path; ok is false if there is nothing.
func (i *Image) value(path string) (v any, ok bool) {
	switch path {
	case "/name":
		return i.Name, true
	case "/visibility":
		return i.Visibility, true
	case "/os_hidden":
		return i.Hidden, true
	case "/protected":
		return i.Protected, true
	case "/min_disk":
		return i.MinDisk, true
	case "/min_ram":
		return i.MinRAM, true
	case "/tags":
		return i.Tags, true
	}
	v, ok = i.Properties[unescape(path)]
	return v, ok
}

// reflects reports whether the image has the values that the patch sets.
func (i *Image) reflects(p Patch) bool {
	want := map[string]*op{}
	for n := range p {
		want[p[n].Path] = &p[n]
	}
	for path, o := range want {
		v, ok := i.value(path)
		switch {
		case o.Op == "remove":
			if ok {
				return false
			}
		case !ok:
			return false
		case path == "/tags":
			if !sameTags(v.([]string), o.Value.([]string)) {
				return false
			}
		case v != o.Value:
			return false
		}
	}
	return true
}

func sameTags(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// NewestFirst sorts by creation, newest first, and by id within the same second.
func NewestFirst(images []*Image) {
	slices.SortFunc(images, func(a, b *Image) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
}

// MaxProperty is the maximum length of a property's value, in bytes; the service's database truncates longer
// ones.
const MaxProperty = 60_000

// Patch is a change of an image that takes effect as a whole, in one request, or not at all.
type Patch []op

type op struct {
	Op, Path string
	Value    any
}

// MarshalJSON omits the value only for a removal: false and 0 are values.
func (o op) MarshalJSON() ([]byte, error) {
	m := map[string]any{"op": o.Op, "path": o.Path}
	if o.Op != "remove" {
		m["value"] = o.Value
	}
	return json.Marshal(m)
}

func (p Patch) with(operation, path string, value any) Patch {
	return append(slices.Clip(p), op{operation, path, value})
}

// Name sets the image's name.
func (p Patch) Name(name string) Patch { return p.with("replace", "/name", name) }

// Visibility sets the image's visibility.
func (p Patch) Visibility(v string) Patch { return p.with("replace", "/visibility", v) }

// Hidden sets whether default lists leave the image out.
func (p Patch) Hidden(hidden bool) Patch { return p.with("replace", "/os_hidden", hidden) }

// Protected sets whether deletion is refused.
func (p Patch) Protected(protected bool) Patch { return p.with("replace", "/protected", protected) }

// MinDisk sets the minimum disk, in GiB, of a server.
func (p Patch) MinDisk(gib int) Patch { return p.with("replace", "/min_disk", gib) }

// MinRAM sets the minimum memory, in MiB, of a server.
func (p Patch) MinRAM(mib int) Patch { return p.with("replace", "/min_ram", mib) }

// Tags replaces all of the image's tags.
func (p Patch) Tags(tags []string) Patch {
	if tags == nil {
		tags = []string{}
	}
	return p.with("replace", "/tags", tags)
}

// Set sets an additional property, whether it exists or not.
func (p Patch) Set(property, value string) Patch {
	return p.with("add", "/"+escape(property), value)
}

// SetAll sets additional properties, in the order of their names.
func (p Patch) SetAll(properties map[string]string) Patch {
	for _, k := range slices.Sorted(maps.Keys(properties)) {
		p = p.Set(k, properties[k])
	}
	return p
}

// Change changes an existing additional property; if the image doesn't have it, the whole patch is refused
// with a conflict. So a property can serve as a fence: removing it stops everyone who still relies on it.
func (p Patch) Change(property, value string) Patch {
	return p.with("replace", "/"+escape(property), value)
}

// Remove removes an additional property; if the image doesn't have it, the whole patch is refused with a
// conflict.
func (p Patch) Remove(property string) Patch { return p.with("remove", "/"+escape(property), nil) }

// JSON pointer escapes, RFC 6901.
var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

func escape(property string) string { return escaper.Replace(property) }
func unescape(path string) string   { return unescaper.Replace(strings.TrimPrefix(path, "/")) }
