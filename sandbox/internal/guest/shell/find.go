//go:build linux

package shell

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func init() { registerAlone(map[string]command{"find": find}) }

// found is a file that find looks at.
type found struct {
	name, path string
	info       fs.FileInfo
}

// test decides on a file; an action is one too.
type test func(found) bool

// finder is one call of find: its expression, and what the options in it say.
type finder struct {
	p                  *proc
	args               []string
	minDepth, maxDepth int
	depthFirst         bool
	follow             bool
	action             bool // the expression prints or acts by itself
	pruned             bool
	ends               []func()
	status             int
}

func find(p *proc) int {
	f := &finder{p: p, maxDepth: 1 << 30}
	args := p.args
	for len(args) > 0 && (args[0] == "-L" || args[0] == "-H" || args[0] == "-P") {
		f.follow = args[0] == "-L"
		args = args[1:]
	}
	var starts []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != "(" && args[0] != "!" {
		starts, args = append(starts, args[0]), args[1:]
	}
	if len(starts) == 0 {
		starts = []string{"."}
	}
	f.args = args
	match, err := f.or()
	if err == nil && len(f.args) > 0 {
		err = fmt.Errorf("unexpected argument '%s'", f.args[0])
	}
	if err != nil {
		return p.fail(err)
	}
	if !f.action {
		inner := match
		match = func(x found) bool {
			if inner(x) {
				fmt.Fprintln(p.out, x.name)
			}
			return true
		}
	}
	for _, s := range starts {
		f.visit(s, 0, match)
	}
	for _, end := range f.ends {
		end()
	}
	return f.status
}

func (f *finder) visit(name string, depth int, match test) {
	file := f.p.path(name)
	info, err := os.Lstat(file)
	if f.follow {
		if st, serr := os.Stat(file); serr == nil {
			info = st
		}
	}
	if err != nil {
		fmt.Fprintf(f.p.err, "find: '%s': %s\n", name, capital(cause(err)))
		f.status = 1
		return
	}
	x := found{name, file, info}
	f.pruned = false
	if !f.depthFirst && depth >= f.minDepth {
		match(x)
	}
	if info.IsDir() && depth < f.maxDepth && !f.pruned {
		entries, err := os.ReadDir(file)
		if err != nil {
			fmt.Fprintf(f.p.err, "find: '%s': %s\n", name, capital(cause(err)))
			f.status = 1
		}
		for _, e := range entries {
			f.visit(strings.TrimSuffix(name, "/")+"/"+e.Name(), depth+1, match)
		}
	}
	if f.depthFirst && depth >= f.minDepth {
		match(x)
	}
}

func (f *finder) next() (string, bool) {
	if len(f.args) == 0 {
		return "", false
	}
	a := f.args[0]
	f.args = f.args[1:]
	return a, true
}

func (f *finder) or() (test, error) {
	left, err := f.and()
	for err == nil && len(f.args) > 0 && (f.args[0] == "-o" || f.args[0] == "-or") {
		f.next()
		var right test
		l := left
		right, err = f.and()
		left = func(x found) bool { return l(x) || right(x) }
	}
	return left, err
}

func (f *finder) and() (test, error) {
	all := test(func(found) bool { return true })
	for len(f.args) > 0 && f.args[0] != ")" && f.args[0] != "-o" && f.args[0] != "-or" {
		if f.args[0] == "-a" || f.args[0] == "-and" {
			f.next()
			continue
		}
		t, err := f.primary()
		if err != nil {
			return nil, err
		}
		before := all
		all = func(x found) bool { return before(x) && t(x) }
	}
	return all, nil
}

func (f *finder) primary() (test, error) {
	name, _ := f.next()
	switch name {
	case "!", "-not":
		t, err := f.primary()
		return func(x found) bool { return !t(x) }, err
	case "(":
		t, err := f.or()
		if end, _ := f.next(); err == nil && end != ")" {
			err = errors.New("missing ')'")
		}
		return t, err
	case "-print", "-print0", "-delete", "-prune", "-true", "-false", "-empty", "-depth", "-xdev", "-mount", "-readable", "-writable", "-executable", "-quit", "-ls", "-nouser", "-nogroup":
		return f.plain(name), nil
	case "-exec", "-execdir", "-ok":
		return f.exec()
	}
	value, ok := f.next()
	if !ok {
		return nil, fmt.Errorf("missing argument to '%s'", name)
	}
	return f.valued(name, value)
}

func (f *finder) plain(name string) test {
	switch name {
	case "-print", "-print0", "-ls":
		f.action = true
		end := map[string]string{"-print0": "\x00"}[name]
		if end == "" {
			end = "\n"
		}
		return func(x found) bool { fmt.Fprint(f.p.out, x.name, end); return true }
	case "-delete":
		f.action, f.depthFirst = true, true
		return func(x found) bool {
			if err := os.Remove(x.path); err != nil {
				f.status = f.p.fail(err)
			}
			return true
		}
	case "-quit":
		f.action = true
		return func(found) bool { os.Exit(f.status); return true }
	case "-prune":
		return func(found) bool { f.pruned = true; return true }
	case "-depth":
		f.depthFirst = true
	case "-false", "-nouser", "-nogroup":
		return func(found) bool { return false }
	case "-empty":
		return func(x found) bool {
			if !x.info.IsDir() {
				return x.info.Mode().IsRegular() && x.info.Size() == 0
			}
			entries, err := os.ReadDir(x.path)
			return err == nil && len(entries) == 0
		}
	case "-executable":
		return func(x found) bool { return x.info.Mode()&0o111 != 0 }
	}
	return func(found) bool { return true }
}

func (f *finder) valued(name, value string) (test, error) {
	switch name {
	case "-name":
		return func(x found) bool { ok, _ := path.Match(value, path.Base(x.name)); return ok }, nil
	case "-iname":
		return func(x found) bool {
			ok, _ := path.Match(strings.ToLower(value), strings.ToLower(path.Base(x.name)))
			return ok
		}, nil
	case "-path", "-wholename":
		re, err := compile("^"+globExpr(value)+"$", true, false)
		return func(x found) bool { return re.MatchString(x.name) }, err
	case "-regex":
		re, err := compile("^("+value+")$", true, false)
		return func(x found) bool { return re.MatchString(x.name) }, err
	case "-type":
		kinds := strings.Split(value, ",")
		return func(x found) bool { return slices.Contains(kinds, kind(x.info)) }, nil
	case "-maxdepth", "-mindepth":
		n, err := strconv.Atoi(value)
		if name == "-maxdepth" {
			f.maxDepth = n
		} else {
			f.minDepth = n
		}
		return func(found) bool { return true }, err
	case "-mtime", "-mmin":
		unit := 24 * time.Hour
		if name == "-mmin" {
			unit = time.Minute
		}
		return counted(value, func(x found) int64 { return int64(time.Since(x.info.ModTime()) / unit) })
	case "-size":
		unit := map[byte]int64{'c': 1, 'k': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}[value[len(value)-1]]
		if unit == 0 {
			unit, value = 512, strings.TrimSuffix(value, "b")+"b"
		}
		return counted(value[:len(value)-1], func(x found) int64 { return (x.info.Size() + unit - 1) / unit })
	case "-newer":
		st, err := os.Stat(f.p.path(value))
		return func(x found) bool { return x.info.ModTime().After(st.ModTime()) }, err
	case "-user", "-uid", "-group", "-gid":
		return func(x found) bool {
			st := x.info.Sys().(*syscall.Stat_t)
			switch name {
			case "-user", "-uid":
				return userName(int(st.Uid)) == value || strconv.Itoa(int(st.Uid)) == value
			}
			return groupName(int(st.Gid)) == value || strconv.Itoa(int(st.Gid)) == value
		}, nil
	case "-perm":
		return permTest(value)
	case "-printf":
		f.action = true
		return func(x found) bool { fmt.Fprint(f.p.out, printfText(value, x)); return true }, nil
	}
	return nil, fmt.Errorf("unknown predicate '%s'", name)
}

func globExpr(glob string) string {
	var b strings.Builder
	for _, c := range glob {
		switch c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '.', '+', '(', ')', '{', '}', '|', '^', '$':
			b.WriteString(`\` + string(c))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func kind(info fs.FileInfo) string {
	return string("fdlpscb"[strings.IndexByte("-dlpscb", modeText(info.Mode())[0])])
}

// counted tests a number: n, +n for more, -n for less.
func counted(value string, measure func(found) int64) (test, error) {
	n, err := strconv.ParseInt(strings.TrimLeft(value, "+-"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("invalid number '%s'", value)
	}
	return func(x found) bool {
		switch v := measure(x); value[0] {
		case '+':
			return v > n
		case '-':
			return v < n
		default:
			return v == n
		}
	}, nil
}

func permTest(value string) (test, error) {
	m, err := newMode(strings.TrimLeft(value, "-/"), 0, false)
	if err != nil {
		return nil, err
	}
	return func(x found) bool {
		have := x.info.Sys().(*syscall.Stat_t).Mode & 0o7777
		switch value[0] {
		case '-':
			return have&m == m
		case '/':
			return m == 0 || have&m != 0
		default:
			return have == m
		}
	}, nil
}

func printfText(format string, x found) string {
	st := x.info.Sys().(*syscall.Stat_t)
	return strings.NewReplacer(
		`\n`, "\n", `\t`, "\t", `\0`, "\x00", "%%", "%", "%p", x.name, "%f", path.Base(x.name), "%h", path.Dir(x.name), "%s", strconv.FormatInt(x.info.Size(), 10),
		"%m", strconv.FormatUint(uint64(st.Mode&0o7777), 8), "%u", userName(int(st.Uid)), "%g", groupName(int(st.Gid)), "%U", strconv.Itoa(int(st.Uid)), "%G", strconv.Itoa(int(st.Gid)),
		"%y", kind(x.info), "%T@", strconv.FormatInt(x.info.ModTime().Unix(), 10), "%P", path.Base(x.name),
	).Replace(format)
}

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
