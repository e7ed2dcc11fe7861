//go:build linux

package userland

import (
	"fmt"
	"strings"
)

// flags are the parsed options of a call: by letter, with their values in order.
type flags map[byte][]string

func (f flags) has(c byte) bool { _, ok := f[c]; return ok }

func (f flags) value(c byte, def string) string {
	if v := f[c]; len(v) > 0 {
		return v[len(v)-1]
	}
	return def
}

// options parses args in the manner of getopt: spec lists the letters, one followed by ":" takes a value; "+" as the
// first stops at the first operand. Each of long is "name=letter".
func (p *Proc) options(spec string, long ...string) (flags, []string, bool) {
	early := strings.HasPrefix(spec, "+")
	takes := func(c byte) (known, value bool) {
		i := strings.IndexByte(spec, c)
		return i >= 0 && c != ':' && c != '+', i >= 0 && i+1 < len(spec) && spec[i+1] == ':'
	}
	f, rest := flags{}, []string{}
	for i := 0; i < len(p.Args); i++ {
		a := p.Args[i]
		switch {
		case a == "--":
			return f, append(rest, p.Args[i+1:]...), true
		case strings.HasPrefix(a, "--"):
			name, v, inline := strings.Cut(a[2:], "=")
			c := letter(long, name)
			known, value := takes(c)
			if c == 0 || !known {
				fmt.Fprintf(p.Err, "%s: unrecognized option '%s'\n", p.Name, a)
				return nil, nil, false
			}
			if value && !inline {
				if i++; i >= len(p.Args) {
					fmt.Fprintf(p.Err, "%s: option '%s' requires an argument\n", p.Name, a)
					return nil, nil, false
				}
				v = p.Args[i]
			}
			f[c] = append(f[c], v)
		case len(a) > 1 && a[0] == '-':
			for j := 1; j < len(a); j++ {
				known, value := takes(a[j])
				if !known {
					fmt.Fprintf(p.Err, "%s: invalid option -- '%c'\n", p.Name, a[j])
					return nil, nil, false
				}
				if !value {
					f[a[j]] = append(f[a[j]], "")
					continue
				}
				v := a[j+1:]
				if v == "" {
					if i++; i >= len(p.Args) {
						fmt.Fprintf(p.Err, "%s: option requires an argument -- '%c'\n", p.Name, a[j])
						return nil, nil, false
					}
					v = p.Args[i]
				}
				f[a[j]] = append(f[a[j]], v)
				break
			}
		default:
			if early {
				return f, append(rest, p.Args[i:]...), true
			}
			rest = append(rest, a)
		}
	}
	return f, rest, true
}

func letter(long []string, name string) byte {
	for _, l := range long {
		if n, c, _ := strings.Cut(l, "="); n == name && c != "" {
			return c[0]
		}
	}
	return 0
}
