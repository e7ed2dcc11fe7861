// Package rpmdb reads and writes rpm's databases of installed packages. SQLite databases, as el9 and
// Fedora have them, can be written; Berkeley and ndb databases can only be read.
package rpmdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/knqyf263/go-rpmdb/pkg/bdb"
	dbi "github.com/knqyf263/go-rpmdb/pkg/db"
	"github.com/knqyf263/go-rpmdb/pkg/ndb"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
)

// Kind is a kind of database.
type Kind string

// The kinds.
const (
	SQLite   Kind = "sqlite"
	Berkeley Kind = "Berkeley"
	NDB      Kind = "ndb"
)

// Folders are where a root has its database, the first that is there. Each may be a link to
// another.
var Folders = []string{"/usr/lib/sysimage/rpm", "/var/lib/rpm"}

// files are the databases' names.
var files = map[string]Kind{"rpmdb.sqlite": SQLite, "Packages": Berkeley, "Packages.db": NDB}

// KindOf is the kind of the database whose main file has that name, "" if it is none.
func KindOf(name string) Kind { return files[name] }

// Companions are the names of the files beside a SQLite database that belong to it.
var Companions = []string{"rpmdb.sqlite-wal", "rpmdb.sqlite-shm"}

// Installed is an installed package.
type Installed struct {
	*rpm.Package
	Number int64 // of its record in the database
}

// maxPackages is how many packages a database may have.
const maxPackages = 100_000

// Read reads the packages of a database of any kind, ordered by number. Those of a Berkeley or ndb
// database have none.
func Read(ctx context.Context, file string) ([]Installed, error) {
	var all []Installed
	var err error
	switch KindOf(filepath.Base(file)) {
	case SQLite:
		var db *DB
		if db, err = Open(ctx, file); err == nil {
			all = db.Packages
			err = db.Close(ctx)
		}
	case Berkeley:
		all, err = foreign(file, func() (dbi.RpmDBInterface, error) { return bdb.Open(file) })
	case NDB:
		all, err = foreign(file, func() (dbi.RpmDBInterface, error) { return ndb.Open(file) })
	default:
		err = fmt.Errorf("unknown database %q", filepath.Base(file))
	}
	if err != nil {
		return nil, fmt.Errorf("rpm's database: %w", err)
	}
	return all, nil
}

// foreign reads a database with somebody else's reader, which may not be prepared for damaged ones.
func foreign(file string, open func() (dbi.RpmDBInterface, error)) (all []Installed, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("damaged: %v", r)
		}
	}()
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		return nil, err
	}
	db, err := open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	for e := range db.Read() {
		if e.Err != nil {
			return nil, e.Err
		}
		one, err := parse(int64(len(all)), e.Value)
		if err != nil {
			return nil, err
		}
		if all = append(all, one); len(all) > maxPackages {
			return nil, fmt.Errorf("more than %d packages", maxPackages)
		}
	}
	slices.SortStableFunc(all, func(a, b Installed) int { return int(a.Number - b.Number) })
	return all, nil
}

func parse(number int64, blob []byte) (Installed, error) {
	h, err := header.Parse(slices.Clone(blob))
	if err != nil {
		return Installed{}, err
	}
	p, err := rpm.New(h)
	return Installed{p, number}, err
}
