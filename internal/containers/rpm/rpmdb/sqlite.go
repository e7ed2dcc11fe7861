package rpmdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
)

// DB is an open SQLite database.
type DB struct {
	Packages []Installed

	db      *sql.DB
	indexes []index
}

// Open opens the database, which is changed in its place. Its write-ahead log has to be beside it,
// where it has one.
func Open(ctx context.Context, file string) (*DB, error) {
	// Nobody else uses the file: a log needs no shared memory.
	u := url.URL{
		Scheme: "file", Opaque: url.PathEscape(file),
		RawQuery: "_pragma=trusted_schema(0)&_pragma=cell_size_check(1)&_pragma=locking_mode(exclusive)",
	}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("opening it: %w", err)
	}
	db.SetMaxOpenConns(1)
	d := &DB{db: db}
	err = d.schema(ctx)
	if err == nil {
		err = d.load(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

// computes is in the definition of what makes values up, such as a gigabyte for each row.
var computes = regexp.MustCompile(`(?i)\b(as|check|default|where)\b`)

// schema finds the indexes. What isn't rpm's own is refused, as it could do anything.
func (d *DB) schema(ctx context.Context) error {
	rows, err := d.db.QueryContext(ctx, "SELECT type, name, coalesce(sql, '') FROM sqlite_master")
	if err != nil {
		return fmt.Errorf("reading its schema: %w", err)
	}
	defer rows.Close()
	packages := false
	for rows.Next() {
		var kind, name, definition string
		if err := rows.Scan(&kind, &name, &definition); err != nil {
			return err
		}
		if computes.MatchString(definition) || kind == "index" && strings.Count(definition, "(") > 1 {
			return fmt.Errorf("its %s %.100q computes something, which rpm's don't", kind, name)
		}
		one := known(name)
		switch {
		case kind == "index", kind == "table" && strings.HasPrefix(name, "sqlite_"):
		case kind == "table" && name == "Packages":
			packages = true
		case kind == "table" && one != nil:
			d.indexes = append(d.indexes, *one)
		default:
			return fmt.Errorf("it has a %s %.100q, which is unknown", kind, name)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if !packages {
		return errors.New("it has no packages")
	}
	return nil
}

func (d *DB) load(ctx context.Context) error {
	rows, err := d.db.QueryContext(ctx, "SELECT hnum, blob FROM Packages ORDER BY hnum")
	if err != nil {
		return fmt.Errorf("reading its packages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var number int64
		var blob []byte
		if err := rows.Scan(&number, &blob); err != nil {
			return err
		}
		one, err := parse(number, blob)
		if err != nil {
			return err
		}
		if d.Packages = append(d.Packages, one); len(d.Packages) > maxPackages {
			return fmt.Errorf("more than %d packages", maxPackages)
		}
	}
	return rows.Err()
}

// Change is what an installation changes in the database.
type Change struct {
	Remove  []int64
	Rewrite map[int64]*header.Header // of packages that stay
	Add     []*header.Header
}

// Apply changes the database, all or nothing.
func (d *DB) Apply(ctx context.Context, c Change) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("changing rpm's database: %w", err)
	}
	if err := d.apply(ctx, tx, c); err != nil {
		return errors.Join(fmt.Errorf("changing rpm's database: %w", err), tx.Rollback())
	}
	return tx.Commit()
}

func (d *DB) apply(ctx context.Context, tx *sql.Tx, c Change) error {
	for _, h := range c.Add {
		done, err := tx.ExecContext(ctx, "INSERT INTO Packages VALUES(NULL, ?)", h.Blob())
		if err != nil {
			return err
		}
		number, err := done.LastInsertId()
		if err != nil {
			return err
		}
		for _, i := range d.indexes {
			if err := i.put(ctx, tx, number, h); err != nil {
				return err
			}
		}
	}
	for _, number := range c.Remove {
		if _, err := tx.ExecContext(ctx, "DELETE FROM Packages WHERE hnum=?", number); err != nil {
			return err
		}
		for _, i := range d.indexes {
			//nolint:gosec // one of known's names
			if _, err := tx.ExecContext(ctx, "DELETE FROM '"+i.name+"' WHERE hnum=?", number); err != nil {
				return err
			}
		}
	}
	for _, p := range d.Packages {
		if h := c.Rewrite[p.Number]; h != nil {
			if _, err := tx.ExecContext(ctx, "UPDATE Packages SET blob=? WHERE hnum=?", h.Blob(), p.Number); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close writes all that is in the log into the database, and closes it.
func (d *DB) Close(ctx context.Context) error {
	_, err := d.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return errors.Join(err, d.db.Close())
}
