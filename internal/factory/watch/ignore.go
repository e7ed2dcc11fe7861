package watch

import (
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// ignoring reads paths such as /metadata/*/time, where * is any key or index. It returns what tells whether a value
// is at one of them; nil if there are none.
func ignoring(paths []string) (func(path []string) bool, error) {
	var patterns [][]string
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for _, p := range paths {
		keys := strings.Split(p, "/")
		if len(p) < 2 || keys[0] != "" || keys[len(keys)-1] == "" {
			return nil, fault.New(fault.Usage, "", "the path to ignore %q has to be like /metadata/time", p)
		}
		for n, k := range keys {
			keys[n] = unescape.Replace(k)
		}
		patterns = append(patterns, keys[1:])
	}
	if patterns == nil {
		return nil, nil
	}
	return func(path []string) bool {
		for _, p := range patterns {
			if matches(p, path) {
				return true
			}
		}
		return false
	}, nil
}

func matches(pattern, path []string) bool {
	if len(pattern) != len(path) {
		return false
	}
	for n, key := range pattern {
		if key != "*" && key != path[n] {
			return false
		}
	}
	return true
}
