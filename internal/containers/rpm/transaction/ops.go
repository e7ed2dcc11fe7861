package transaction

import (
	"archive/tar"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
)

// op is what the layer does at one path: exactly one of its fields counts.
type op struct {
	from  *rpmfile.File // a package's file
	index int
	moved *rootfs.Entry // what was at another path
	kept  *rootfs.Entry // a folder as it is, as something in it changes
	made  bool          // a folder that nobody owns
	gone  bool          // a whiteout
}

func (o *op) file() *rpm.File { return &o.from.Files[o.index] }

// Suffixes of files that are put aside.
const (
	suffixNew  = ".rpmnew"
	suffixSave = ".rpmsave"
	suffixOrig = ".rpmorig"
)

// put notes what the layer has to do for a file that is decided on.
func (t *Transaction) put(ctx context.Context, a *rpmfile.File, index int, at string) error {
	f := &a.Files[index]
	if f.Is(rpm.Ghost) || t.actions[f].skips() {
		return nil
	}
	switch t.actions[f] {
	case alternate:
		t.note("%s is kept, as it was changed; the new one is %s%s", f.Path, f.Path, suffixNew)
		at += suffixNew
	case save:
		if err := t.aside(ctx, f, at, suffixSave); err != nil {
			return err
		}
	case backup:
		if err := t.aside(ctx, f, at, suffixOrig); err != nil {
			return err
		}
	}
	if f.Type() == rpm.Socket {
		t.problem("%s of %s is a socket, which a layer can't have", f.Path, a)
		return nil
	}
	e, known := t.root.Peek(at)
	if known && e != nil {
		switch {
		case f.Type() == rpm.Folder && e.Type == tar.TypeSymlink:
			target, err := t.stat(ctx, at)
			if err != nil {
				return err
			}
			if target.Folder() && (e.UID == 0 || e.UID == target.UID) {
				at = t.canonical(target.Path) // the link stays
			}
		case f.Type() != rpm.Folder && e.Folder() && t.actions[f] != save && t.actions[f] != backup:
			t.problem("%s of %s is a folder in the image", f.Path, a)
		}
	}
	if old := t.ops[at]; old == nil || old.from == nil {
		t.ops[at] = &op{from: a, index: index}
	}
	return nil
}

// aside keeps what is at the path under another name.
func (t *Transaction) aside(ctx context.Context, f *rpm.File, at, suffix string) error {
	e, err := t.root.Lstat(ctx, at)
	if err != nil || e == nil {
		return err
	}
	t.note("%s was changed; it is kept as %s%s", f.Path, f.Path, suffix)
	if e.Folder() {
		t.problem("%s is a folder in the image, which would have to be renamed", f.Path)
		return nil
	}
	t.ops[at+suffix] = &op{moved: e}
	return nil
}

// eraseFiles decides on each file of the packages that go.
func (t *Transaction) eraseFiles(ctx context.Context) error {
	var folders []string
	for _, r := range t.Removed {
		for n := range r.Files {
			f := &r.Files[n]
			at := t.canonical(f.Path)
			if f.State != rpm.Normal || t.stays(at) {
				continue
			}
			changed, err := t.modified(ctx, f, at)
			if err != nil {
				return err
			}
			e, known := t.root.Peek(at)
			switch {
			case known && e == nil || changed && f.Is(rpm.Ghost):
			case changed && f.Type() == rpm.Folder:
			case changed:
				if err := t.aside(ctx, f, at, suffixSave); err != nil {
					return err
				}
				t.ops[at] = &op{gone: true}
			case e.Folder() || e == nil && f.Type() == rpm.Folder:
				folders = append(folders, at)
			case t.ops[at] == nil:
				t.ops[at] = &op{gone: true}
			}
		}
	}
	return t.eraseFolders(ctx, folders)
}

// stays reports whether a package has the path afterwards.
func (t *Transaction) stays(at string) bool {
	return slices.ContainsFunc(t.owners[at], func(o owner) bool {
		if o.added {
			return t.actions[o.file] != skipColor
		}
		return !t.removed[o.pkg] && o.file.State == rpm.Normal
	})
}

// eraseFolders removes those that are empty afterwards, the deepest first.
func (t *Transaction) eraseFolders(ctx context.Context, folders []string) error {
	if len(folders) == 0 {
		return nil
	}
	if err := t.seeRemoved(ctx); err != nil {
		return err
	}
	used := t.usedFolders()
	slices.SortFunc(folders, func(a, b string) int { return strings.Compare(b, a) })
	for _, folder := range slices.Compact(folders) {
		if used[folder] || t.ops[folder] != nil {
			continue
		}
		empty := true
		for _, name := range t.root.Children(folder) {
			if o := t.ops[path.Join(folder, name)]; o == nil || !o.gone {
				empty = false
			}
		}
		if empty {
			t.ops[folder] = &op{gone: true}
		}
	}
	return nil
}

// seeRemoved reads layers until it has seen the files of the packages that go: what else is in their
// folders was put there after them, or with them.
func (t *Transaction) seeRemoved(ctx context.Context) error {
	for _, r := range t.Removed {
		for n := range r.Files {
			if f := &r.Files[n]; f.State == rpm.Normal && !f.Is(rpm.Ghost) {
				if _, err := t.root.Lstat(ctx, t.canonical(f.Path)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// usedFolders are those that have something afterwards that a package owns or the layer writes.
func (t *Transaction) usedFolders() map[string]bool {
	used := map[string]bool{}
	use := func(p string) {
		for p = path.Dir(p); p != "/" && !used[p]; p = path.Dir(p) {
			used[p] = true
		}
	}
	for _, i := range t.installed {
		for n := range i.Files {
			f := &i.Files[n]
			if t.removed[i.Package] || f.State != rpm.Normal || f.Is(rpm.Ghost) {
				continue
			}
			at := t.canonical(f.Path)
			if e, known := t.root.Peek(at); e != nil || !known {
				use(at)
			}
		}
	}
	for at, o := range t.ops {
		if !o.gone {
			use(at)
		}
	}
	return used
}

// parents adds the folders on the way to all that changes: a layer that leaves them out would have
// them made with some default mode and owner.
func (t *Transaction) parents(ctx context.Context) error {
	paths := t.paths()
	for _, at := range paths {
		for above := path.Dir(at); above != "/"; above = path.Dir(above) {
			switch o := t.ops[above]; {
			case o == nil:
			case o.gone:
				delete(t.ops, at) // goes with its folder
			case o.from != nil && o.file().Type() != rpm.Folder, o.moved != nil:
				t.problem("%s would be below %s, which is no folder", at, above)
			}
		}
	}
	for _, at := range t.paths() {
		if err := t.parent(ctx, path.Dir(at)); err != nil {
			return err
		}
	}
	return nil
}

// paths are those of all ops, in order.
func (t *Transaction) paths() []string { return slices.Sorted(maps.Keys(t.ops)) }

func (t *Transaction) parent(ctx context.Context, folder string) error {
	for ; folder != "/" && t.ops[folder] == nil; folder = path.Dir(folder) {
		e, known := t.root.Peek(folder)
		owned := t.folders[folder]
		if !known && owned == nil {
			var err error
			if e, err = t.root.Lstat(ctx, folder); err != nil {
				return err
			}
			known = true
		}
		switch {
		case e.Folder():
			t.ops[folder] = &op{kept: e}
		case e != nil:
			t.problem("%s is no folder in the image", folder)
		case known:
			t.ops[folder] = &op{made: true}
		default:
			t.ops[folder] = &op{kept: asEntry(folder, owned)}
		}
	}
	return nil
}

// asEntry is a folder as its package has it. Its owners are found by name.
func asEntry(at string, f *rpm.File) *rootfs.Entry {
	return &rootfs.Entry{Path: at, Type: tar.TypeDir, Mode: int64(f.Mode & 0o7777), UID: -1, GID: -1}
}
