package transaction

import (
	"archive/tar"
	"context"
	"path"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
)

// owner is a package that has a file at a path.
type owner struct {
	pkg    *rpm.Package
	file   *rpm.File
	index  int
	number int64 // of an installed package
	added  bool
}

const maxLinks = 40

// survey learns which links and folders packages own, reads what else it takes to know where the
// packages' files are, and finds all owners of the paths that the transaction is about.
func (t *Transaction) survey(ctx context.Context) error {
	names := map[string]bool{}
	created := map[string]bool{}
	for _, i := range t.installed {
		for n := range i.Files {
			f := &i.Files[n]
			switch {
			case !f.Installed() || f.Is(rpm.Ghost):
			case f.Type() == rpm.Symlink:
				t.links[f.Path] = f.Link
			case f.Type() == rpm.Folder:
				t.folders[f.Path] = f
			}
			if t.removed[i.Package] {
				names[path.Base(f.Path)] = true
			}
		}
	}
	for _, a := range t.Added {
		for n := range a.Files {
			names[path.Base(a.Files[n].Path)] = true
			if a.Files[n].Type() == rpm.Folder {
				created[a.Files[n].Path] = true
			}
		}
	}
	for _, a := range t.Added {
		for n := range a.Files {
			if err := t.know(ctx, path.Dir(a.Files[n].Path), created); err != nil {
				return err
			}
		}
	}
	for _, i := range t.installed {
		for n := range i.Files {
			if names[path.Base(i.Files[n].Path)] {
				at := t.canonical(i.Files[n].Path)
				t.owners[at] = append(t.owners[at], owner{pkg: i.Package, file: &i.Files[n], index: n, number: i.Number})
			}
		}
	}
	for _, a := range t.Added {
		for n := range a.Files {
			at := t.canonical(a.Files[n].Path)
			t.owners[at] = append(t.owners[at], owner{pkg: a.Package, file: &a.Files[n], index: n, added: true})
		}
	}
	return nil
}

// know reads layers until it is clear what a folder on the way to a file is, if no package owns it.
func (t *Transaction) know(ctx context.Context, folder string, created map[string]bool) error {
	for ; folder != "/"; folder = path.Dir(folder) {
		_, known := t.root.Peek(folder)
		if known || created[folder] || t.folders[folder] != nil || t.links[folder] != "" {
			continue
		}
		if _, err := t.root.Lstat(ctx, folder); err != nil {
			return err
		}
	}
	return nil
}

// canonical is the path with links in its folders followed.
func (t *Transaction) canonical(p string) string {
	if p == "/" {
		return p
	}
	return path.Join(t.folder(path.Dir(p)), path.Base(p))
}

// folder is the folder that a path leads to.
func (t *Transaction) folder(p string) string {
	if done, ok := t.resolved[p]; ok {
		return done
	}
	at, rest, links := "/", strings.Split(p, "/"), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		next := path.Join(at, name) // ".." goes up
		link := t.link(next)
		if link == "" || name == "" || name == "." || name == ".." {
			at = next
			continue
		}
		if links++; links > maxLinks {
			at = p // it leads nowhere
			break
		}
		if strings.HasPrefix(link, "/") {
			at = "/"
		}
		rest = append(strings.Split(link, "/"), rest...)
	}
	t.resolved[p] = at
	return at
}

// link is where the path links to, "" if it is no link.
func (t *Transaction) link(p string) string {
	if e, known := t.root.Peek(p); known {
		if e != nil && e.Type == tar.TypeSymlink {
			return e.Link
		}
		return ""
	}
	return t.links[p]
}
