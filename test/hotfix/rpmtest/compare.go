package rpmtest

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
)

// Tree describes every file of a root but the database's: type, mode, owner, content, links, xattrs.
func Tree(t testing.TB, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	inodes := map[uint64]string{}
	err := filepath.WalkDir(root, func(at string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil || rel == "." || strings.HasPrefix("/"+rel, DBPath+"/") {
			return err
		}
		info, err := os.Lstat(at)
		if err != nil {
			return err
		}
		all[rel], err = describe(at, rel, info, inodes)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func describe(at, rel string, info fs.FileInfo, inodes map[uint64]string) (string, error) {
	stat, _ := info.Sys().(*syscall.Stat_t)
	text := fmt.Sprintf("%v %d:%d", info.Mode(), stat.Uid, stat.Gid)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		link, err := os.Readlink(at)
		return text + " -> " + link, err
	case info.Mode().IsRegular():
		content, err := os.ReadFile(at)
		if err != nil {
			return "", err
		}
		first, linked := inodes[stat.Ino]
		if !linked {
			inodes[stat.Ino] = rel
			first = rel
		}
		value := make([]byte, 64)
		n, _ := syscall.Getxattr(at, "security.capability", value)
		text += fmt.Sprintf(" %x mtime %d links %d %s caps %x", sha256.Sum256(content), stat.Mtim.Sec, stat.Nlink, first, value[:max(n, 0)])
	}
	return text, nil
}

// Answers are what rpm says of a root's packages, by question.
func Answers(t testing.TB, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	ask := func(args ...string) string {
		out, _ := RPM(root, args...) // -V fails where something differs
		lines := strings.Split(strings.TrimSpace(out), "\n")
		slices.Sort(lines)
		answer := strings.Join(lines, "\n")
		all[strings.Join(args, " ")] = answer
		return answer
	}
	names := ask("-qa", "--qf", "%{NAME}\n")
	ask("-qa", "--qf", "%{NEVRA} %{GROUP} %{SIZE} %{INSTALLCOLOR} [%{FILESTATES} ] %{SIGMD5} %{SHA1HEADER} %{SHA256HEADER}\n")
	ask("-qa", "--dump")
	ask("-qa", "--provides")
	ask("-qal", "--state")
	ask("-Va", "--noscripts")
	provided := ask("-qa", "--qf", "[%{PROVIDENAME}\n]")
	for _, name := range sample(unique(names), 3) {
		ask("-q", name)
		ask("-ql", name)
		ask("-V", "--noscripts", name)
	}
	for _, name := range sample(unique(provided), 3) {
		ask("-q", "--whatprovides", name)
		ask("-q", "--whatrequires", name)
	}
	for _, file := range sample(unique(ask("-qal")), 3) {
		ask("-qf", file)
	}
	return all
}

func unique(lines string) []string { return slices.Compact(strings.Split(lines, "\n")) }

// sample are about n of the list, evenly spread.
func sample(all []string, n int) (some []string) {
	step := max((len(all)+n-1)/n, 1)
	for k := 0; k < len(all); k += step {
		some = append(some, all[k])
	}
	return some
}

// Database is all that a root's database has, by package in place of its number, without the times of
// the installation.
func Database(t testing.TB, root string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(root, DBPath, "rpmdb.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	names := map[int64]string{}
	all := map[string]string{}
	query(t, db, "SELECT hnum, blob FROM Packages", func(scan func(...any) error) error {
		var number int64
		var blob []byte
		if err := scan(&number, &blob); err != nil {
			return err
		}
		h, err := header.Parse(blob)
		if err != nil {
			return err
		}
		names[number] = h.Text(1000) + "-" + h.Text(1001) + "-" + h.Text(1002) + "." + h.Text(1022)
		for _, changing := range []header.Tag{1008, 1128} { // when, and in which transaction, it was installed
			if v := h.Bytes(changing); v != nil {
				clear(v)
			}
		}
		all["Packages "+names[number]] = fmt.Sprintf("%x", sha256.Sum256(blob))
		return nil
	})
	var tables []string
	query(t, db, "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'", func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		tables = append(tables, name)
		return err
	})
	for _, table := range tables {
		if table == "Packages" || table == "Installtid" {
			continue
		}
		var lines []string
		query(t, db, "SELECT typeof(key), hex(key), hnum, idx FROM '"+table+"'", func(scan func(...any) error) error {
			var kind, key string
			var number, index int64
			err := scan(&kind, &key, &number, &index)
			lines = append(lines, fmt.Sprint(kind, " ", key, " ", names[number], " ", index))
			return err
		})
		slices.Sort(lines)
		all[table] = strings.Join(lines, "\n")
	}
	return all
}

func query(t testing.TB, db *sql.DB, text string, each func(scan func(...any) error) error) {
	t.Helper()
	rows, err := db.Query(text) //nolint:noctx // short
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
