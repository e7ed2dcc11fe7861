// Package rpmdbtest makes package databases for tests.
package rpmdbtest

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmdb"
)

// Berkeley makes a database as rpm had it until el8 of the SQLite database in a folder, in its place.
// Debian's rpm reads it, but can't write it.
func Berkeley(t testing.TB, folder string) {
	t.Helper()
	load, err := exec.LookPath("db5.3_load")
	if err != nil {
		t.Skip("db5.3_load isn't installed, which makes Berkeley databases: apt-get install db5.3-util")
	}
	list, err := rpmdb.Read(t.Context(), filepath.Join(folder, "rpmdb.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	number := func(n int64) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) } // #nosec G115 -- few packages
	var dump strings.Builder
	dump.WriteString("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n")
	last := int64(0)
	for _, p := range list {
		fmt.Fprintf(&dump, " %x\n %x\n", number(p.Number), p.Header.Blob())
		last = max(last, p.Number)
	}
	fmt.Fprintf(&dump, " %x\n %x\nDATA=END\n", number(0), number(last))
	all, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), load, filepath.Join(folder, "Packages"))
	cmd.Stdin = strings.NewReader(dump.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("db5.3_load: %v\n%s", err, out)
	}
}
