//go:build linux

package userland

import (
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

func (f *finder) plain(name string) test {
	switch name {
	case "-print", "-print0", "-ls":
		f.action = true
		end := map[string]string{"-print0": "\x00"}[name]
		if end == "" {
			end = "\n"
		}
		return func(x found) bool { fmt.Fprint(f.p.Out, x.name, end); return true }
	case "-delete":
		f.action, f.depthFirst = true, true
		return func(x found) bool {
			if err := os.Remove(x.path); err != nil {
				f.status = f.p.Fail(err)
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
		st, err := os.Stat(f.p.Path(value))
		return func(x found) bool { return x.info.ModTime().After(st.ModTime()) }, err
	case "-user", "-uid", "-group", "-gid":
		return func(x found) bool {
			st := x.info.Sys().(*syscall.Stat_t)
			switch name {
			case "-user", "-uid":
				return UserName(int(st.Uid)) == value || strconv.Itoa(int(st.Uid)) == value
			}
			return groupName(int(st.Gid)) == value || strconv.Itoa(int(st.Gid)) == value
		}, nil
	case "-perm":
		return permTest(value)
	case "-printf":
		f.action = true
		return func(x found) bool { fmt.Fprint(f.p.Out, printfText(value, x)); return true }, nil
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
		`\n`, "\n", `\t`, "\t", `\0`, "\x00", "%%", "%", "%p", x.name, "%f", path.Base(x.name), "%h", path.Dir(x.name), "%s",
		strconv.FormatInt(x.info.Size(), 10),
		"%m", strconv.FormatUint(uint64(st.Mode&0o7777), 8), "%u", UserName(int(st.Uid)), "%g", groupName(int(st.Gid)), "%U",
		strconv.Itoa(int(st.Uid)), "%G", strconv.Itoa(int(st.Gid)),
		"%y", kind(x.info), "%T@", strconv.FormatInt(x.info.ModTime().Unix(), 10), "%P", path.Base(x.name),
	).Replace(format)
}
