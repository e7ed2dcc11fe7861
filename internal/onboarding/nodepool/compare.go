package nodepool

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// confirm reads an edited text again and compares it with what it has to say. An anchor or a merge key can carry a
// change to places that it isn't meant for; then it is refused.
func confirm(path string, text []byte, want any) (*Config, error) {
	c, err := Parse(path, text)
	if err != nil {
		return nil, fmt.Errorf("the edited file can't be read: %w", err)
	}
	if at := difference(want, c.tree.Any(), ""); at != "" {
		return nil, fault.New(fault.Conflict, "give the provider values of its own there, without an anchor, an alias or a merge key",
			"%s: the change can't be written so that it changes nothing else: it would reach %s", path, at)
	}
	return c, nil
}

// anything stands for a value that isn't compared; it may be missing, too.
type anything struct{}

// difference is the path of the first place in which two values differ, "" if they are the same.
func difference(a, b any, path string) string {
	here := path
	if here == "" {
		here = "the whole file"
	}
	switch a := a.(type) {
	case anything:
		return ""
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return here
		}
		for _, key := range slices.Sorted(maps.Keys(a)) {
			other, has := b[key]
			if _, free := a[key].(anything); !has && !free {
				return path + "/" + key
			}
			if at := difference(a[key], other, path+"/"+key); at != "" {
				return at
			}
		}
		for _, key := range slices.Sorted(maps.Keys(b)) {
			if _, has := a[key]; !has {
				return path + "/" + key
			}
		}
		return ""
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return here
		}
		for n := range a {
			if at := difference(a[n], b[n], path+"/"+called(a[n], n)); at != "" {
				return at
			}
		}
		return ""
	}
	if !reflect.DeepEqual(a, b) {
		return here
	}
	return ""
}

// called is how a path names an item of a list.
func called(item any, n int) string {
	if m, ok := item.(map[string]any); ok {
		if name, ok := m["name"].(string); ok && name != "" {
			return name
		}
	}
	return strconv.Itoa(n)
}

// within is the item of that name in a list of Any.
func within(list any, name string) map[string]any {
	all, _ := list.([]any)
	for _, item := range all {
		if m, ok := item.(map[string]any); ok && m["name"] == name {
			return m
		}
	}
	return nil
}
