package transaction

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"fmt"
	"path"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
)

// action is what becomes of a file.
type action int

const (
	undecided action = iota
	create
	backup    // what is there becomes .rpmorig
	save      // what is there becomes .rpmsave
	alternate // the new file becomes .rpmnew
	skip
	skipColor // it is for another word size
)

func (a action) skips() bool { return a == skip || a == skipColor }

// installFiles decides on each file of the added packages.
func (t *Transaction) installFiles(ctx context.Context) error {
	for _, a := range t.Added {
		for n := range a.Files {
			f := &a.Files[n]
			if t.color != 0 && f.Color != 0 && t.color&f.Color == 0 {
				t.actions[f], t.states[f] = skipColor, rpm.WrongColor
			}
		}
	}
	for _, a := range t.Added {
		for n := range a.Files {
			f := &a.Files[n]
			at := t.canonical(f.Path)
			if err := t.againstInstalled(ctx, a, f, at); err != nil {
				return err
			}
		}
	}
	for _, a := range t.Added {
		for n := range a.Files {
			f := &a.Files[n]
			at := t.canonical(f.Path)
			if err := t.againstAdded(ctx, a, f, at); err != nil {
				return err
			}
			if err := t.put(ctx, a, n, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// againstInstalled compares a file with those that installed packages have at its path.
func (t *Transaction) againstInstalled(ctx context.Context, a *rpmfile.File, f *rpm.File, at string) error {
	for _, o := range t.owners[at] {
		if o.added || o.file.State == rpm.NotInstalled || t.actions[f].skips() {
			continue
		}
		removed := t.removed[o.pkg]
		config := f.Is(rpm.Config) || o.file.Is(rpm.Config)
		if !same(o.file, f) {
			state := rpm.Replaced
			conflict := true
			if removed {
				var err error
				if conflict, err = t.removalConflict(ctx, f, o.file, at); err != nil {
					return err
				}
			}
			if conflict && t.preferred(f, o.file, nil) {
				conflict = false
				if t.actions[f] == create {
					state = rpm.WrongColor
				}
			}
			if conflict && !t.o.ReplaceFiles {
				t.problem("%s of %s is also in %s, which is installed", f.Path, a, o.pkg)
			}
			if !config && !t.actions[f].skips() && !removed {
				t.mark(o, state)
			}
		}
		if config {
			fate, err := t.fate(ctx, o.file, f, at)
			if err != nil {
				return err
			}
			t.actions[f] = fate
		}
	}
	return nil
}

func (t *Transaction) mark(o owner, state rpm.State) {
	if t.replaced[o.number] == nil {
		t.replaced[o.number] = map[int]rpm.State{}
	}
	t.replaced[o.number][o.index] = state
}

// preferred settles a conflict between files for different word sizes: the 64-bit one stays.
func (t *Transaction) preferred(f, o *rpm.File, added *rpm.File) bool {
	const wide = 2
	mine, other := f.Color&t.color, o.Color&t.color
	if mine == 0 || other == 0 || mine == other {
		return false
	}
	switch {
	case mine&wide != 0:
		if added != nil && !t.actions[f].skips() {
			t.actions[added], t.states[added] = skipColor, rpm.WrongColor
		}
		t.actions[f] = create
	case other&wide != 0:
		if added != nil && t.actions[f].skips() {
			t.actions[added] = create
		}
		t.actions[f], t.states[f] = skipColor, rpm.WrongColor
	default:
		return false
	}
	return true
}

// same reports whether two packages may share a file.
func same(a, b *rpm.File) bool {
	links := a.Type() == rpm.Symlink && b.Type() == rpm.Symlink
	switch {
	case a.Is(rpm.Ghost) || b.Is(rpm.Ghost):
		return true
	case !links && a.Mode != b.Mode, a.User != b.User, a.Group != b.Group:
		return false
	}
	switch a.Type() {
	case rpm.Symlink:
		return a.Size == b.Size && a.Link == b.Link
	case rpm.Regular:
		return a.Size == b.Size && (a.Digest == b.Digest && (a.Algorithm == b.Algorithm || a.Digest == ""))
	case rpm.Char, rpm.Block:
		return a.Rdev == b.Rdev
	}
	return true
}

// removalConflict reports whether a file can't take the place of one that goes: of a folder, or a
// folder that of a link to one.
func (t *Transaction) removalConflict(ctx context.Context, f, old *rpm.File, at string) (bool, error) {
	switch {
	case old.Type() == rpm.Folder && f.Type() != rpm.Folder:
	case old.Type() == rpm.Symlink && f.Type() == rpm.Folder:
		target, err := t.stat(ctx, at)
		if err != nil || !target.Folder() {
			return false, err
		}
	default:
		return false, nil
	}
	e, err := t.root.Lstat(ctx, at)
	return e != nil && typeOf(e) != f.Type(), err
}

// stat finds what the path leads to.
func (t *Transaction) stat(ctx context.Context, p string) (*rootfs.Entry, error) {
	for range maxLinks {
		e, err := t.root.Lstat(ctx, p)
		if err != nil || e == nil || e.Type != tar.TypeSymlink {
			return e, err
		}
		link := e.Link
		if !path.IsAbs(link) {
			link = path.Join(path.Dir(p), link)
		}
		p = t.canonical(path.Clean(link))
	}
	return nil, nil //nolint:nilnil // it leads nowhere
}

func typeOf(e *rootfs.Entry) uint16 {
	return map[byte]uint16{
		tar.TypeReg: rpm.Regular, tar.TypeDir: rpm.Folder, tar.TypeSymlink: rpm.Symlink, tar.TypeChar: rpm.Char,
		tar.TypeBlock: rpm.Block, tar.TypeFifo: rpm.Fifo,
	}[e.Type]
}

// fate decides about a file that is a configuration file, or was.
func (t *Transaction) fate(ctx context.Context, old, f *rpm.File, at string) (action, error) {
	if f.Is(rpm.Ghost) {
		return skip, nil
	}
	e, err := t.root.Lstat(ctx, at)
	if err != nil {
		return create, err
	}
	if e == nil {
		if f.Is(rpm.MissingOK) {
			return skip, nil
		}
		return create, nil
	}
	keep := save
	if f.Is(rpm.NoReplace) {
		keep = alternate
	}
	if old.Type() != rpm.Regular && old.Type() != rpm.Symlink {
		return create, nil
	}
	if typeOf(e) == old.Type() {
		asNew, err := t.unchanged(e, f)
		if err != nil {
			return create, err
		}
		asOld, err := t.unchanged(e, old)
		if err != nil || asNew || asOld {
			return create, err
		}
	}
	switch {
	case !f.Is(rpm.Config):
		return save, nil
	case f.Type() == old.Type() && old.Type() == rpm.Regular && old.Algorithm == f.Algorithm && old.Digest == f.Digest,
		f.Type() == old.Type() && old.Type() == rpm.Symlink && old.Link == f.Link:
		return skip, nil
	}
	return keep, nil
}

// unchanged reports whether the image has the file as the package does.
func (t *Transaction) unchanged(e *rootfs.Entry, f *rpm.File) (bool, error) {
	if typeOf(e) != f.Type() {
		return false, nil
	}
	switch f.Type() {
	case rpm.Symlink:
		return e.Link == f.Link, nil
	case rpm.Regular:
		const sha256 = 8
		if f.Algorithm == sha256 {
			return e.SHA256 == f.Digest, nil
		}
		sum := rpmfile.NewHash(f.Algorithm)
		if sum == nil {
			return false, fmt.Errorf("%s: digest of kind %d is unknown", f.Path, f.Algorithm)
		}
		if err := t.root.Extract(e, sum); err != nil {
			return false, err
		}
		return hex.EncodeToString(sum.Sum(nil)) == f.Digest, nil
	}
	return false, nil
}

// modified reports whether the image has something else in a configuration file's place.
func (t *Transaction) modified(ctx context.Context, f *rpm.File, at string) (bool, error) {
	if !f.Is(rpm.Config) {
		return false, nil
	}
	if f.Type() != rpm.Symlink && f.Type() != rpm.Regular {
		return true, nil
	}
	e, err := t.root.Lstat(ctx, at)
	if err != nil || e == nil {
		return false, err
	}
	if f.Is(rpm.Ghost) {
		return true, nil
	}
	ok, err := t.unchanged(e, f)
	return !ok, err
}

// againstAdded decides on a file that is still undecided, by those of other added packages at its
// path, and by what the image has there without an owner.
func (t *Transaction) againstAdded(ctx context.Context, a *rpmfile.File, f *rpm.File, at string) error {
	if t.actions[f].skips() {
		return nil
	}
	other := t.before(f, at)
	if other == nil {
		if t.actions[f] != undecided {
			return nil
		}
		changed, err := t.modified(ctx, f, at)
		switch {
		case err != nil:
			return err
		case !changed:
			t.actions[f] = create
		case f.Is(rpm.NoReplace):
			t.actions[f] = alternate
		default:
			t.actions[f] = backup
		}
		return nil
	}
	if !same(other.file, f) {
		if !t.preferred(f, other.file, other.file) {
			t.problem("%s of %s is also in %s", f.Path, a, other.pkg)
		}
	} else if o := t.actions[other.file]; !o.skips() && !other.file.Is(rpm.Ghost) {
		t.actions[f] = skip
	} else if o == skipColor {
		t.actions[f], t.states[f] = skipColor, rpm.WrongColor
	}
	if t.actions[f].skips() {
		return nil
	}
	changed, err := t.modified(ctx, f, at)
	switch {
	case err != nil:
		return err
	case changed && f.Is(rpm.NoReplace):
		t.actions[f] = alternate
	case changed:
		t.actions[f] = skip
	case t.actions[f] == undecided:
		t.actions[f] = create
	}
	return nil
}

// before is the added file at the path that was decided on last before f.
func (t *Transaction) before(f *rpm.File, at string) *owner {
	var last *owner
	owners := t.owners[at]
	for n := range owners {
		if owners[n].file == f {
			return last
		}
		if owners[n].added && t.actions[owners[n].file] != undecided {
			last = &owners[n]
		}
	}
	return last
}
