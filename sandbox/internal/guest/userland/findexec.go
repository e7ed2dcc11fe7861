//go:build linux

package userland

import (
	"errors"
	"slices"
	"strings"
)

func (f *finder) exec() (test, error) {
	f.action = true
	var words []string
	for {
		w, ok := f.next()
		if !ok {
			return nil, errors.New("missing argument to '-exec'")
		}
		if w == ";" {
			break
		}
		if w == "+" && len(words) > 0 && words[len(words)-1] == "{}" {
			return f.execAll(words[:len(words)-1]), nil
		}
		words = append(words, w)
	}
	return func(x found) bool {
		args := slices.Clone(words)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "{}", x.name)
		}
		return f.p.spawn(args, nil, nil) == 0
	}, nil
}

func (f *finder) execAll(words []string) test {
	var names []string
	f.ends = append(f.ends, func() {
		for len(names) > 0 {
			n := min(len(names), 1000)
			if f.p.spawn(append(slices.Clone(words), names[:n]...), nil, nil) != 0 {
				f.status = 1
			}
			names = names[n:]
		}
	})
	return func(x found) bool { names = append(names, x.name); return true }
}
