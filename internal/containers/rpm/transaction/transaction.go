// Package transaction works out what installing packages changes in an image, as rpm -U would: which
// packages go, what becomes of each file, what the database says afterwards. Nothing is written until
// all of it is known to be right, and what is written is one layer.
package transaction

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmdb"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
)

// Options are how to install.
type Options struct {
	Architecture string    // of the image, as OCI names it, such as "amd64"
	Time         time.Time // of the installation, as the database has it
	Downgrade    bool      // packages may be older than what is installed
	Reinstall    bool      // packages may be installed already
	ReplaceFiles bool      // files may be other packages'
	IgnoreScripts,
	IgnoreDependencies bool
	// Thorough reads all layers, so that what no package owns is known, too.
	Thorough bool
}

// Removal is an installed package that goes, and the one that takes its place.
type Removal struct {
	rpmdb.Installed
	By       *rpm.Package
	Obsolete bool // it has another name
}

// Transaction is an installation that is worked out.
type Transaction struct {
	Added   []*rpmfile.File
	Removed []Removal
	// Problems are why it can't be carried out; Notes are what people should know.
	Problems, Notes []string
	// Scripts are what would have to run in the image.
	Scripts []Script

	o         Options
	root      *rootfs.Root
	installed []rpmdb.Installed
	removed   map[*rpm.Package]bool
	color     uint32
	links     map[string]string    // symbolic links that packages own
	folders   map[string]*rpm.File // folders that packages own, by their own paths
	resolved  map[string]string    // folders without links on the way
	owners    map[string][]owner   // of paths that the transaction is about
	actions   map[*rpm.File]action
	states    map[*rpm.File]rpm.State
	replaced  map[int64]map[int]rpm.State // files of packages that stay
	ops       map[string]*op
	ids       *ids
}

// New works out what installing the packages changes. Its error is that the image can't be read; what
// is wrong with the installation is in Problems.
func New(
	ctx context.Context, root *rootfs.Root, installed []rpmdb.Installed, files []*rpmfile.File, o Options,
) (*Transaction, error) {
	t := &Transaction{
		o: o, root: root, installed: installed, removed: map[*rpm.Package]bool{}, color: colorOf(installed, o.Architecture),
		links: map[string]string{}, folders: map[string]*rpm.File{}, resolved: map[string]string{},
		owners: map[string][]owner{}, actions: map[*rpm.File]action{}, states: map[*rpm.File]rpm.State{},
		replaced: map[int64]map[int]rpm.State{}, ops: map[string]*op{},
	}
	if o.Thorough {
		if err := root.ReadAll(ctx); err != nil {
			return nil, err
		}
	}
	t.choose(files)
	if err := t.survey(ctx); err != nil {
		return nil, err
	}
	if !o.IgnoreDependencies {
		t.checkDependencies()
	}
	t.findScripts()
	for _, step := range []func(context.Context) error{t.installFiles, t.eraseFiles, t.parents, t.findOwners} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if !o.IgnoreScripts {
		for _, s := range t.Scripts {
			if !s.Harmless {
				t.problem("%s would have to run", s)
			}
		}
	}
	slices.Sort(t.Problems)
	t.Problems = slices.Compact(t.Problems)
	return t, nil
}

func (t *Transaction) problem(format string, args ...any) {
	t.Problems = append(t.Problems, fmt.Sprintf(format, args...))
}

func (t *Transaction) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// colorOf is which kinds of ELF files the image's rpm installs, as its newest package says.
func colorOf(installed []rpmdb.Installed, architecture string) uint32 {
	for _, p := range slices.Backward(installed) {
		if p.Header.Has(rpm.TagInstColor) {
			return uint32(p.Header.Int(rpm.TagInstColor))
		}
	}
	if architecture == "amd64" || architecture == "s390x" {
		return 3 // 32 and 64 bits
	}
	return 0
}
