package glance

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// order is how a listing is sorted: by these keys in turn.
type order []sortKey

type sortKey struct {
	name       string
	descending bool
}

var comparers = map[string]func(a, b *Image) int{
	"id":               func(a, b *Image) int { return cmp.Compare(a.ID, b.ID) },
	"name":             func(a, b *Image) int { return cmp.Compare(a.Name, b.Name) },
	"status":           func(a, b *Image) int { return cmp.Compare(a.Status, b.Status) },
	"disk_format":      func(a, b *Image) int { return cmp.Compare(a.DiskFormat, b.DiskFormat) },
	"container_format": func(a, b *Image) int { return cmp.Compare(a.ContainerFormat, b.ContainerFormat) },
	"size":             func(a, b *Image) int { return cmp.Compare(a.Size, b.Size) },
	"created_at":       func(a, b *Image) int { return a.CreatedAt.Compare(b.CreatedAt) },
	"updated_at":       func(a, b *Image) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
}

// readOrder reads sort, or sort_key and sort_dir.
func readOrder(q url.Values) (order, error) {
	bad := func(format string, args ...any) (order, error) {
		return nil, answer.Fail(http.StatusBadRequest, format, args...)
	}
	keys, dirs := q["sort_key"], q["sort_dir"]
	if q.Has("sort") {
		if len(keys)+len(dirs) > 0 {
			return bad("Old and new sorting syntax cannot be combined")
		}
		for part := range strings.SplitSeq(q.Get("sort"), ",") {
			key, dir, ok := strings.Cut(strings.TrimSpace(part), ":")
			if !ok {
				dir = "desc"
			}
			keys, dirs = append(keys, key), append(dirs, dir)
		}
	}
	if len(dirs) > 1 && len(dirs) != len(keys) {
		return bad("Number of sort dirs does not match the number of sort keys")
	}
	if len(keys) == 0 {
		keys = []string{"created_at"}
	}
	var o order
	for k, key := range keys {
		dir := "desc"
		switch {
		case len(dirs) == 1:
			dir = dirs[0]
		case len(dirs) > k:
			dir = dirs[k]
		}
		if _, ok := comparers[key]; !ok {
			return bad("Invalid sort key: %s. It must be one of the following: name, status, container_format, disk_format, size, id, "+
				"created_at, updated_at.", key)
		}
		if dir != "asc" && dir != "desc" {
			return bad("Invalid sort direction: %s", dir)
		}
		o = append(o, sortKey{key, dir == "desc"})
	}
	descending := o[0].descending
	for _, key := range []string{"created_at", "id"} {
		if !o.has(key) {
			o = append(o, sortKey{key, descending})
		}
	}
	return o, nil
}

func (o order) has(name string) bool {
	for _, k := range o {
		if k.name == name {
			return true
		}
	}
	return false
}

func (o order) compare(a, b *Image) int {
	for _, k := range o {
		n := comparers[k.name](a, b)
		if k.descending {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

// natural reports whether the order is the store's own, and in which direction.
func (o order) natural() (descending, ok bool) {
	return o[0].descending, o[0].name == "created_at" && o[1].name == "id" && o[0].descending == o[1].descending
}
