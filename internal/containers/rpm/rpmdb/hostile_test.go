package rpmdb

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// The tables as rpm makes them.
const (
	packagesTable = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
	nameTable     = "CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, " +
		"FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))"
)

// rpms is all that rpm 4.16 to 6 makes of a new database: the same since 2020.
func rpms() []string {
	all := []string{packagesTable}
	for name := range strings.FieldsSeq("Name Basenames Group Requirename Providename Conflictname Obsoletename Triggername " +
		"Dirnames Installtid Sigmd5 Sha1header Filetriggername Transfiletriggername Recommendname Suggestname Supplementname Enhancename") {
		all = append(all, strings.ReplaceAll(nameTable, "'Name'", "'"+name+"'"),
			fmt.Sprintf("CREATE INDEX '%s_key_idx' ON '%[1]s'(key ASC)", name),
			fmt.Sprintf("CREATE INDEX '%s_hnum_idx' ON '%[1]s'(hnum ASC)", name))
	}
	return all
}

// TestHostileDatabases are those of an image that somebody has crafted: none may run anything or make
// values up.
func TestHostileDatabases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want string // "" is a good one
		sql  []string
	}{
		"good":  {"", []string{packagesTable, nameTable, "CREATE INDEX 'Name_key_idx' ON 'Name'(key ASC)"}},
		"rpm's": {"", append(rpms(), "ANALYZE")},
		"rpm's first ones": {"", []string{
			"CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY NOT NULL, blob BLOB NOT NULL)", nameTable,
			"CREATE INDEX 'Name_idx' ON 'Name'(key ASC)",
		}},
		"trigger": {`a trigger "t", which is unknown`, []string{
			packagesTable, "CREATE TRIGGER t AFTER INSERT ON Packages BEGIN DELETE FROM Packages; END",
		}},
		"view": {`view "Packages" computes something`, []string{"CREATE VIEW Packages AS SELECT 1 AS hnum, zeroblob(1000000000) AS blob"}},
		"generated blobs": {`table "Packages" computes something`, []string{
			"CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB AS (zeroblob(1000000000)))",
			"INSERT INTO Packages (hnum) VALUES (1)",
		}},
		"check": {`table "Packages" computes something`, []string{
			"CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB CHECK (length(hex(zeroblob(100000000))) > 1))",
		}},
		"computed index": {`index "i" computes something`, []string{packagesTable, "CREATE INDEX i ON Packages(hex(blob))"}},
		"other table":    {`a table "Other", which is unknown`, []string{packagesTable, "CREATE TABLE Other (a)"}},
		"no packages":    {"it has no packages", []string{nameTable}},
		"a text":         {"rpm's database", []string{packagesTable, "INSERT INTO Packages VALUES (1, 'text')"}},
		"huge and empty": {"rpm's database", []string{packagesTable, "INSERT INTO Packages VALUES (1, zeroblob(50000000))"}},
		"counts that nobody can have": {"rpm's database", []string{
			packagesTable, "INSERT INTO Packages VALUES (1, x'ffffffffffffffff')",
		}},
		"counts that overflow": {"rpm's database", []string{
			packagesTable, "INSERT INTO Packages VALUES (1, x'1000000000000010')",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "rpmdb.sqlite")
			db, err := sql.Open("sqlite", file)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range c.sql {
				if _, err := db.ExecContext(t.Context(), one); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			all, err := Read(t.Context(), file)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %d packages, %v", len(all), err)
			}
		})
	}
}
