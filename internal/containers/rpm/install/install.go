// Package install puts RPM packages into a container image as one more layer, without running
// anything in the image and without unpacking it.
//
//	cache := rootfs.NewCache(dir, install.Keep) // layers, for all images of a run
//	files, err := rpmfile.Folder(ctx, rpms, keys)
//	plan, err := install.NewPlan(ctx, cache, image, files, transaction.Options{})
//	changed, err := plan.Image(ctx, "what changed it", labels)
package install

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmdb"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/transaction"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// ErrOtherDatabase is that the image's packages are in a database that can't be written, or that it
// has none. An engine that runs rpm in the image may help.
var ErrOtherDatabase = errors.New("the image's package database can't be written")

// Keep is what a cache has to keep at hand for this package.
func Keep(p string) bool {
	dir, name := path.Split(p)
	return p == "/etc/passwd" || p == "/etc/group" ||
		slices.Contains(rpmdb.Folders, path.Clean(dir)) && (rpmdb.KindOf(name) != "" || slices.Contains(rpmdb.Companions, name))
}

// Database is an image's package database, unpacked.
type Database struct {
	Kind      rpmdb.Kind
	Installed []rpmdb.Installed

	entry      *rootfs.Entry
	companions []*rootfs.Entry
	file       string
}

// ReadDatabase finds the image's package database and reads it. Layers below the one that has it
// aren't read. The folder dir is for its files.
func ReadDatabase(ctx context.Context, root *rootfs.Root, dir string) (*Database, error) {
	var paths []string
	for _, folder := range rpmdb.Folders {
		for _, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} {
			paths = append(paths, path.Join(folder, name))
		}
	}
	e, err := root.First(ctx, paths...)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, fault.Wrap(fault.NotFound, "", fmt.Errorf("%w: it has none", ErrOtherDatabase))
	}
	switch {
	case e.Type == tar.TypeSymlink:
		return nil, fault.New(fault.Usage, "", "the image's package database %s is a link, which isn't followed", e.Path)
	case e.Type != tar.TypeReg:
		return nil, fault.New(fault.Usage, "", "the image's package database %s is no file", e.Path)
	}
	d := &Database{Kind: rpmdb.KindOf(path.Base(e.Path)), entry: e, file: filepath.Join(dir, path.Base(e.Path))}
	if err := unpack(root, e, d.file); err != nil {
		return nil, err
	}
	if d.Kind == rpmdb.SQLite {
		// What belongs to the database was written with it, so its layer or one above has it.
		for _, name := range rpmdb.Companions {
			c, _ := root.Peek(path.Join(path.Dir(e.Path), name))
			if c == nil {
				continue
			}
			d.companions = append(d.companions, c)
			if strings.HasSuffix(name, "-wal") && c.Size > 0 {
				if err := unpack(root, c, filepath.Join(dir, name)); err != nil {
					return nil, err
				}
			}
		}
	}
	if d.Installed, err = rpmdb.Read(ctx, d.file); err != nil {
		return nil, err
	}
	return d, nil
}

// unpack writes a file of the image below dir.
func unpack(root *rootfs.Root, e *rootfs.Entry, file string) (err error) {
	w, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return root.Extract(e, w)
}

// Plan is the installation of packages into one image.
type Plan struct {
	*transaction.Transaction
	Database *Database

	image v1.Image
	root  *rootfs.Root
	dir   string
	time  time.Time
}

// NewPlan works out the installation. It reads of the image what that takes, and needs the folder dir,
// which is the caller's to remove, until the image is stored. The zero Options.Time is when the newest
// package was built.
func NewPlan(
	ctx context.Context, cache *rootfs.Cache, image v1.Image, files []*rpmfile.File, dir string, o transaction.Options,
) (*Plan, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	o.Architecture = config.Architecture
	if o.Time.IsZero() {
		o.Time = newest(files) // the same for all images, so that those with one database get one layer
	}
	root, err := rootfs.Open(cache, image)
	if err != nil {
		return nil, err
	}
	db, err := ReadDatabase(ctx, root, dir)
	if err != nil {
		return nil, err
	}
	if db.Kind != rpmdb.SQLite {
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("%w: it is a %s database", ErrOtherDatabase, db.Kind))
	}
	t, err := transaction.New(ctx, root, db.Installed, files, o)
	if err != nil {
		return nil, err
	}
	return &Plan{Transaction: t, Database: db, image: image, root: root, dir: dir, time: o.Time}, nil
}

const tagBuildTime = 1006

func newest(files []*rpmfile.File) (at time.Time) {
	for _, f := range files {
		if built := time.Unix(int64(f.Header.Int(tagBuildTime)), 0); built.After(at) {
			at = built
		}
	}
	return at.UTC().Truncate(time.Second)
}

// Layers is how many of the image's layers were read, of how many.
func (p *Plan) Layers() (read, of int) { return p.root.Layers() }

// Err is why the packages can't be installed, nil if they can.
func (p *Plan) Err() error {
	switch n := len(p.Problems); n {
	case 0:
		return nil
	case 1:
		return fault.New(fault.Conflict, "", "%s", p.Problems[0])
	default:
		return fault.New(fault.Conflict, "", "%d problems: %s", n, strings.Join(p.Problems, "; "))
	}
}

// Names are the packages that are installed, as NAME-VERSION-RELEASE.ARCH.
func (p *Plan) Names() []string {
	names := make([]string, 0, len(p.Added))
	for _, f := range p.Added {
		names = append(names, f.String())
	}
	return names
}

// Package finds an installed package by name.
func (d *Database) Package(name string) (all []*rpm.Package) {
	for _, i := range d.Installed {
		if i.Name == name {
			all = append(all, i.Package)
		}
	}
	return all
}
