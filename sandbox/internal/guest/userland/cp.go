//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func init() { register(map[string]Command{"cp": cp, "mv": mv, "install": install}) }

// copier copies files and folders.
type copier struct {
	recursive bool
	links     bool // copy symbolic links as such
	keep      bool // mode, owner and times
	force     bool
	noClobber bool
	update    bool
}

// targets pairs each source with where it goes: into dest where that is a folder, else onto it.
func (p *Proc) targets(names []string, into string, plain bool) ([][2]string, error) {
	if into == "" {
		if len(names) < 2 {
			return nil, errors.New("missing destination file operand")
		}
		into, names = names[len(names)-1], names[:len(names)-1]
		st, err := os.Stat(p.Path(into))
		if plain || err != nil || !st.IsDir() {
			if len(names) > 1 {
				return nil, fmt.Errorf("target '%s' is not a directory", into)
			}
			if strings.HasSuffix(into, "/") && err != nil {
				if st, serr := os.Stat(p.Path(names[0])); serr != nil || !st.IsDir() {
					return nil, fmt.Errorf("cannot create '%s': Not a directory", into)
				}
			}
			return [][2]string{{p.Path(names[0]), p.Path(into)}}, nil
		}
	}
	var out [][2]string
	for _, n := range names {
		out = append(out, [2]string{p.Path(n), filepath.Join(p.Path(into), filepath.Base(p.Path(n)))})
	}
	return out, nil
}

func cp(p *Proc) int {
	f, names, ok := p.options("rRadpPLHfinuvxTt:", "recursive=r", "archive=a", "preserve=p", "no-dereference=P", "dereference=L",
		"force=f", "no-clobber=n", "update=u", "verbose=v", "target-directory=t", "no-target-directory=T")
	if !ok {
		return 1
	}
	pairs, err := p.targets(names, f.value('t', ""), f.has('T'))
	if err != nil {
		return p.Fail(err)
	}
	c := copier{
		recursive: f.has('r') || f.has('R') || f.has('a'), links: (f.has('a') || f.has('P') || f.has('d') || f.has('r') || f.has('R')) &&
			!f.has('L'),
		keep: f.has('a') || f.has('p'), force: f.has('f'), noClobber: f.has('n'), update: f.has('u'),
	}
	status := 0
	for _, pair := range pairs {
		if err := c.copy(pair[0], pair[1]); err != nil {
			status = p.Fail(err)
		} else if f.has('v') {
			fmt.Fprintf(p.Out, "'%s' -> '%s'\n", pair[0], pair[1])
		}
	}
	return status
}

func (c copier) copy(from, to string) error {
	stat := os.Stat
	if c.links {
		stat = os.Lstat
	}
	st, err := stat(from)
	if err != nil {
		return err
	}
	if old, err := os.Lstat(to); err == nil {
		if os.SameFile(st, old) {
			return fmt.Errorf("'%s' and '%s' are the same file", from, to)
		}
		if !st.IsDir() && (c.noClobber || c.update && !st.ModTime().After(old.ModTime())) {
			return nil
		}
	}
	switch {
	case st.IsDir() && !c.recursive:
		return fmt.Errorf("-r not specified; omitting directory '%s'", from)
	case st.IsDir():
		return c.copyDir(from, to, st)
	case st.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		_ = os.Remove(to)
		if err := os.Symlink(target, to); err != nil {
			return err
		}
		return c.finish(to, st)
	case st.Mode().IsRegular() || !c.recursive:
		return c.copyFile(from, to, st)
	default:
		return fmt.Errorf("'%s' is neither a file nor a folder", from)
	}
}

func (c copier) copyDir(from, to string, st fs.FileInfo) error {
	if rel, err := filepath.Rel(from, to); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return fmt.Errorf("cannot copy a directory, '%s', into itself, '%s'", from, to)
	}
	if err := os.Mkdir(to, st.Mode().Perm()|0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.copy(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return c.finish(to, st)
}

func (c copier) copyFile(from, to string, st fs.FileInfo) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, st.Mode().Perm())
	if err != nil && c.force {
		_ = os.Remove(to)
		out, err = os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, st.Mode().Perm())
	}
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return c.finish(to, st)
}

// finish gives a copy what its original had, as far as the user may.
func (c copier) finish(to string, st fs.FileInfo) error {
	if !c.keep {
		return nil
	}
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(to, int(s.Uid), int(s.Gid))
	}
	if st.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	if err := os.Chmod(to, st.Mode()); err != nil {
		return err
	}
	return os.Chtimes(to, st.ModTime(), st.ModTime())
}
