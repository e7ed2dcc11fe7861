package resource

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// sort orders the objects as the request asks, or by the style's default.
func (s *Style) sort(k *Kind, objects []Object, q url.Values) {
	by, direction, _ := strings.Cut(cmp.Or(q.Get("sort"), s.Sort), ":")
	asked := q.Has("sort") || q.Has("sort_key") || q.Has("sort_dir")
	if !asked && k.Ordered {
		return
	}
	if q.Has("sort_key") {
		by, direction = q.Get("sort_key"), "asc"
	}
	direction = cmp.Or(q.Get("sort_dir"), direction)
	slices.SortStableFunc(objects, func(a, b Object) int {
		x, _ := a.Field(by)
		y, _ := b.Field(by)
		n := cmp.Or(compare(x, y), cmp.Compare(a.ID(), b.ID()))
		if direction == "desc" {
			return -n
		}
		return n
	})
}

func compare(a, b any) int {
	x, isInt := a.(int)
	y, both := b.(int)
	if isInt && both {
		return cmp.Compare(x, y)
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// page cuts a list by marker, offset and limit.
func (s *Style) page(k *Kind, objects []Object, q url.Values) (page []Object, more bool, err error) {
	if after := q.Get("marker"); after != "" {
		at := slices.IndexFunc(objects, func(o Object) bool { return o.ID() == after })
		if at < 0 && s.NoMarker != nil {
			return nil, false, s.NoMarker(k, after)
		}
		objects = objects[at+1:]
	}
	if offset, err := strconv.Atoi(q.Get("offset")); err == nil && offset > 0 {
		objects = objects[min(offset, len(objects)):]
	}
	limit, err := strconv.Atoi(q.Get("limit"))
	given := err == nil && limit > 0
	if most := s.MaxPage; most >= 0 && (!given || limit > most) {
		limit = most
	} else if !given {
		limit = len(objects)
	}
	if len(objects) > limit {
		return objects[:limit], true, nil
	}
	return objects, s.Full && given && len(objects) == limit && limit > 0, nil
}
